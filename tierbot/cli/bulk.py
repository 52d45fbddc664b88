"""What commands for bulk work share: their options, how progress is told, and work with its parts beside the output."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.output import err
from tierbot.domain import TierbotError

if TYPE_CHECKING:
    from tierbot.bulk import Shard, Work

EngineName = Annotated[str, typer.Option("--engine", help="local: processes here; ray: a Ray cluster (RAY_ADDRESS).")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="So many at a time. [default: one a processor]")]
_EVERY = 5.0  # seconds between two lines of progress


def progress(what: str) -> Callable[[int, int], None]:
    """Return what is told (lines done, of which before this start) and tells people now and then, with the speed."""
    began = told = time.monotonic()

    def tell(done: int, before: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY or sys.stderr.isatty():
            told = now
            err.print(f"{done} {what}, {(done - before) / max(0.001, now - began):.0f} a second", style="dim")

    return tell


def done_to(
    out: Path | None, work: "Work", shards: "Iterable[Shard]", about: Mapping[str, Any], engine: str, workers: int | None,
    what: str,
) -> list[str]:  # fmt: skip
    """Do bulk work into a file, resumably, or into a folder of its own that is gone afterwards; return the lines then."""
    from tierbot.bulk import Parts, engine_of, lines_in, whole_run

    with ExitStack() as stack:
        place = out or Path(stack.enter_context(TemporaryDirectory(prefix="tierbot-bulk-"))) / "out"
        parts = Parts(place, {**about, "work": work.digest})
        count = whole_run(work, shards, engine_of(engine, workers), parts, progress(what))
        parts.join(count)
        return [] if out else lines_in(place)


def identity(file: Path) -> dict[str, Any]:
    """Return what tells whether a file is still the one that it was."""
    try:
        found = file.stat()
    except OSError as fault:
        raise TierbotError(f"{file}: cannot be read ({fault.strerror}). Check the path.") from fault
    return {"file": str(file.resolve()), "bytes": found.st_size, "changed": found.st_mtime_ns}
