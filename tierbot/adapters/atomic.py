"""Files and folders that are whole or not there: written under another name beside their place, then renamed."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tierbot.domain.nouns import TierbotError

STDOUT = Path("-")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DraftError(TierbotError):
    """A file that could not be written; nothing of it is left, and what was there before still is."""


@contextmanager
def drafted(path: Path, *, replaceable: str | None = None) -> Iterator[Path]:
    """Yield a path to write a file or a folder to; on leaving the block it takes the place of `path`.

    If the block raises, nothing is left of it. A folder that is in the place already is replaced only if it holds
    a file named `replaceable`. The path "-" is standard output: it gets the whole file at the end.
    Raises DraftError if the disk is full or the place cannot be written.
    """
    to_stdout = path == STDOUT
    final = Path(tempfile.gettempdir(), "stdout") if to_stdout else path.absolute()
    try:
        if not to_stdout:
            final.parent.mkdir(parents=True, exist_ok=True)
            _check_place(final, replaceable)
        # A folder of its own, so that a format's scratch files go with it whatever happens.
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=f".{final.name}.", ignore_cleanup_errors=True) as own:
            draft = Path(own, final.name)
            yield draft
            if to_stdout:
                _print(draft)
            else:
                _put_in_place(draft, final, Path(own))
    except OSError as fault:
        raise _explained(fault, path) from fault


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or, until then, what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        try:
            draft.write(data)
            draft.flush()
            os.fsync(draft.fileno())
            Path(draft.name).chmod(0o644)
            Path(draft.name).replace(path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise


def _check_place(path: Path, replaceable: str | None) -> None:
    if path.is_dir() and any(path.iterdir()) and not (replaceable and (path / replaceable).is_file()):
        raise DraftError(f"{path}: is a folder with other things in it. Name another place, or move it away.")


def _put_in_place(draft: Path, path: Path, own: Path) -> None:
    for file in [draft] if draft.is_file() else [one for one in draft.rglob("*") if one.is_file()]:
        with file.open("rb+") as written:
            os.fsync(written.fileno())
    if path.is_dir():
        path.rename(own / "former")  # goes with our own folder
    draft.rename(path)


def _print(draft: Path) -> None:
    with draft.open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()


def _explained(fault: OSError, path: Path) -> DraftError:
    words = fault.strerror or str(fault)
    if fault.errno in _FULL or any(os.strerror(code) in words for code in _FULL):  # Arrow's errors have no number
        return DraftError(f"{path}: the disk is full ({words}). Nothing was left half-written; make room.")
    return DraftError(f"{path}: cannot be written ({words}). Check the path and its permissions.")
