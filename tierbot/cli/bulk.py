"""What commands for bulk work share: their options, how progress is told, and work with its parts beside the output."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tierbot.cli.output import err
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.app.bulk import Parts, Shard, Work

EngineName = Annotated[str, typer.Option("--engine", help="local: processes here; ray: a Ray cluster (RAY_ADDRESS).")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="So many at a time. [default: one a processor]")]
_EVERY = 5.0  # seconds between two lines of progress: a file of ten million rows is read for an hour


def progress(what: str) -> Callable[[int, int], None]:
    """Return what is told (lines done, of which before this start) and tells people now and then, with the speed."""
    began = told = time.monotonic()

    def tell(done: int, before: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY:
            told = now
            err.print(f"{done} {what}, {(done - before) / max(0.001, now - began):.0f} a second", style="dim")

    return tell


def done_to(
    out: Path | None, work: "Work", shards: "Iterable[Shard]", about: Mapping[str, Any], engine: str, workers: int | None,
    what: str,
) -> list[str]:  # fmt: skip
    """Do bulk work into a file, resumably, or into a folder of its own that is gone afterwards; return the lines then."""
    from tierbot.app.bulk import lines_in

    with place_for(out) as place:
        parts, count = done_beside(place, work, shards, about, engine, workers, what)
        parts.join(count)
        return [] if out else lines_in(place)


@contextmanager
def place_for(out: Path | None) -> Iterator[Path]:
    """Give the path of an output: the one asked for, or one in a folder that is gone afterwards."""
    with ExitStack() as stack:
        yield out or Path(stack.enter_context(TemporaryDirectory(prefix="tierbot-bulk-"))) / "out"


def done_beside(
    place: Path, work: "Work", shards: "Iterable[Shard]", about: Mapping[str, Any], engine: str, workers: int | None,
    what: str,
) -> "tuple[Parts, int]":  # fmt: skip
    """Do bulk work into parts beside a path, resumably; return them, all done, and how many there are."""
    from tierbot.app.bulk import Parts, engine_of, whole_run

    parts = Parts(place, {**about, "work": work.digest})
    return parts, whole_run(work, shards, engine_of(engine, workers), parts, progress(what))


def identity(file: Path) -> dict[str, Any]:
    """Return what tells whether a file is still the one that it was."""
    try:
        found = file.stat()
    except OSError as fault:
        raise TierbotError(f"{file}: cannot be read ({fault.strerror}). Check the path.") from fault
    return {"file": str(file.resolve()), "bytes": found.st_size, "changed": found.st_mtime_ns}
