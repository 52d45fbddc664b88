"""What bulk work has come to so far, a file a shard, so that it goes on where it was; joined at the end."""

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
"""Told after each shard: how many lines are done, how many of them were done before this start."""


class Parts:
    """A folder beside the output, `OUT.parts`. `about` says what the work is: another work does not go on there."""

    def __init__(self, out: Path, about: Mapping[str, Any]) -> None:
        """Begin, or go on. Raises TierbotError if other work was begun there, or the folder cannot be written."""
        self._out = out
        self.folder = out.with_name(f"{out.name}.parts")
        told = json.dumps(dict(about), sort_keys=True)
        manifest = self.folder / "work.json"
        try:
            if not manifest.exists():
                write_whole(manifest, told.encode())
            before = manifest.read_text(encoding="utf-8")
        except OSError as fault:
            raise TierbotError(f"{self.folder} cannot be written ({fault.strerror}). Choose another --out.") from fault
        if before != told:
            raise TierbotError(
                f"{self.folder} holds the beginning of other work: another input, model or setting. Delete that folder to "
                "begin anew, or choose another --out."
            )

    def has(self, number: int) -> bool:
        """Say whether a shard is done."""
        return self._part(number).exists()

    def lines(self, number: int) -> list[str]:
        """Return what came of a shard that is done."""
        return lines_in(self._part(number))

    def write(self, number: int, lines: Iterable[str]) -> None:
        """Keep what came of a shard: all of it, or nothing if the power fails. Raises TierbotError if there is no room."""
        try:
            write_whole(self._part(number), "".join(f"{line}\n" for line in lines).encode())
        except OSError as fault:
            raise self._full(fault) from fault

    def join(self, count: int) -> None:
        """Put the results of shards 0 … count − 1 in order into the output, and remove the parts.

        Raises TierbotError if there is no room.
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
            f"{self.folder} cannot be written ({fault.strerror}). What is done is kept: make room, and run it again."
        )

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:08d}.jsonl"


def lines_in(path: Path) -> list[str]:
    """Return a file's lines. Only a newline ends one: JSON lines may hold other separators."""
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def whole_run(work: Work, shards: Iterable[Shard], engine: Engine, parts: Parts, progress: Progress) -> int:
    """Do what is not done yet of all shards, numbered from 0 on; return how many shards there are.

    Raises what the engine raises; what is done by then stays.
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
