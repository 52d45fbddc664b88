"""What the bulk commands share: options, progress, and resumable work whose parts lie next to the output."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tierbot.cli.output import err
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.app.bulk import Parts, Shard, Work

EngineName = Annotated[str, typer.Option("--engine", help="local: processes here; ray: a Ray cluster (RAY_ADDRESS).")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Number of workers. [default: one per processor]")
]
_EVERY = 5.0  # seconds between lines of progress; reading ten million rows takes an hour
_BATCH = 500
_Item = TypeVar("_Item")


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yield lists of 500 items."""
    source = iter(items)
    while batch := list(islice(source, _BATCH)):
        yield batch


def progress(what: str) -> Callable[[int, int], None]:
    """Return a function of (lines done, lines done before this start) that prints progress and speed every 5 s."""
    began = printed = time.monotonic()

    def show(done: int, before: int) -> None:
        nonlocal printed
        now = time.monotonic()
        if now - printed >= _EVERY:
            printed = now
            err.print(f"{done} {what}, {(done - before) / max(0.001, now - began):.0f} a second", style="dim")

    return show


def do_to_file(
    out: Path | None, work: "Work", shards: "Iterable[Shard]", about: Mapping[str, Any], engine: str, workers: int | None,
    what: str,
) -> list[str]:  # fmt: skip
    """Do bulk work, resumably, into the file `out`; without one, in a temporary folder, and return the lines."""
    from tierbot.app.bulk import lines_in

    with place_for(out) as place:
        parts, count = do_into_parts(place, work, shards, about, engine, workers, what)
        parts.join(count)
        return [] if out else lines_in(place)


@contextmanager
def place_for(out: Path | None) -> Iterator[Path]:
    """Yield the output's path, or one in a temporary folder."""
    from tierbot.adapters.temporary import temporary_folder

    with ExitStack() as stack:
        yield out or stack.enter_context(temporary_folder(Path(gettempdir()), "tierbot-bulk")) / "out"


def do_into_parts(
    place: Path, work: "Work", shards: "Iterable[Shard]", about: Mapping[str, Any], engine: str, workers: int | None,
    what: str,
) -> "tuple[Parts, int]":  # fmt: skip
    """Do bulk work, resumably, into parts next to `place`; return the finished parts and their number."""
    from tierbot.app.bulk import Parts, engine_of, whole_run

    parts = Parts(place, {**about, "work": work.digest})
    return parts, whole_run(work, shards, engine_of(engine, workers), parts, progress(what))


def identity(file: Path) -> dict[str, Any]:
    """Return the path, size and time that show whether a file has changed. Raises TierbotError if unreadable."""
    try:
        found = file.stat()
    except OSError as fault:
        raise TierbotError(f"{file}: cannot be read ({fault.strerror}). Check the path.") from fault
    return {"file": str(file.resolve()), "bytes": found.st_size, "changed": found.st_mtime_ns}
