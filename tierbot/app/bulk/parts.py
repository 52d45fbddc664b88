"""Store bulk results in one file per shard, so that a run can resume, and join them at the end."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tierbot.adapters.atomic import write_whole
from tierbot.app.bulk.engines import Engine
from tierbot.app.bulk.work import Shard, Work
from tierbot.domain.nouns import TierbotError

Progress = Callable[[int, int], None]
"""Called after each shard with the number of lines done, and how many of them an earlier run had done."""


class Parts:
    """The folder `OUT.parts` next to the output. `about` identifies the work, so that other work can't resume there."""

    def __init__(self, out: Path, about: Mapping[str, Any]) -> None:
        """Start or resume. Raises TierbotError if the folder belongs to other work or cannot be written."""
        self._out = out
        self.folder = out.with_name(f"{out.name}.parts")
        described = json.dumps(dict(about), sort_keys=True)
        manifest = self.folder / "work.json"
        try:
            if not manifest.exists():
                write_whole(manifest, described.encode())
            before = manifest.read_text(encoding="utf-8")
        except OSError as fault:
            raise TierbotError(f"Cannot write to {self.folder} ({fault.strerror}). Choose another --out.") from fault
        if before != described:
            raise TierbotError(
                f"{self.folder} contains an unfinished run with another input, model or setting. Delete that folder to "
                "start over, or choose another --out."
            )

    def has(self, number: int) -> bool:
        """Return whether a shard is done."""
        return self._part(number).exists()

    def lines(self, number: int) -> list[str]:
        """Return a finished shard's result."""
        return lines_in(self._part(number))

    def write(self, number: int, lines: Iterable[str]) -> None:
        """Store a shard's result atomically. Raises TierbotError if the disk is full."""
        try:
            write_whole(self._part(number), "".join(f"{line}\n" for line in lines).encode())
        except OSError as fault:
            raise self._full(fault) from fault

    def join(self, count: int) -> None:
        """Join the results of shards 0 … count − 1 into the output and remove the folder.

        Raises TierbotError if the disk is full.
        """
        whole = self.folder / "joined"
        try:
            with whole.open("wb") as target:
                for number in range(count):
                    with self._part(number).open("rb") as part:
                        shutil.copyfileobj(part, target)
            whole.replace(self._out)
        except OSError as fault:
            raise self._full(fault) from fault
        self.remove()

    def _full(self, fault: OSError) -> TierbotError:
        return TierbotError(
            f"Cannot write to {self.folder} ({fault.strerror}). Finished parts are saved: free up space and run it again."
        )

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:08d}.jsonl"


def lines_in(path: Path) -> list[str]:
    """Return a file's lines, split at newlines only, because JSON lines may contain other line separators."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def whole_run(work: Work, shards: Iterable[Shard], engine: Engine, parts: Parts, progress: Progress) -> int:
    """Process the unfinished shards, numbered from 0, and return the total number of shards.

    Raises the engine's errors; shards finished by then stay stored.
    """
    count = lines = before = 0

    def missing() -> Iterator[Shard]:
        nonlocal count, lines, before
        for shard in shards:
            count += 1
            if parts.has(shard.number):
                lines += len(shard.lines)
                before += len(shard.lines)
                progress(lines, before)
            else:
                yield shard

    for shard, found in engine.done(work, missing()):
        parts.write(shard.number, found)
        lines += len(shard.lines)
        progress(lines, before)
    return count
