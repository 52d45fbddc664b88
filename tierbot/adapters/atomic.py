"""Write files and folders atomically: under a temporary name in the same folder, then rename."""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tierbot.adapters.temporary import FORMER, temporary_folder
from tierbot.domain.nouns import TierbotError

STDOUT = Path("-")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DraftError(TierbotError):
    """A file that couldn't be written; the existing one is unchanged and nothing partial is left."""


@contextmanager
def drafted(path: Path, *, replaceable: str | None = None, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path for a file or a folder, which replaces `path` when the block ends.

    If the block raises, nothing is left. An existing folder is only replaced if it contains a file named `replaceable`.
    private: only the owner may read the result, because it names people. For "-", the finished file goes to standard
    output. Raises DraftError if the disk is full or `path` isn't writable.
    """
    to_stdout = path == STDOUT
    final = Path(tempfile.gettempdir(), "stdout") if to_stdout else path.absolute()
    try:
        if not to_stdout:
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.is_dir() and any(final.iterdir()) and not (replaceable and (final / replaceable).is_file()):
                raise DraftError(f"{final}: is a folder with other files in it. Choose another path, or move it away.")
        # In its own folder, so that an export format's temporary files are removed with it.
        with temporary_folder(final.parent, final.name) as own:
            draft = own / final.name
            yield draft
            if private:
                _make_private(draft)
            if to_stdout:
                with draft.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.flush()
            else:
                _put_in_place(draft, final, own)
    except BrokenPipeError:  # whoever read standard output has seen enough
        raise
    except OSError as fault:
        raise _explained(fault, path) from fault


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file atomically: a reader sees either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent, path.name) as own:
        draft = own / "draft"
        draft.touch(0o600)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)


def _make_private(draft: Path) -> None:
    for one in [draft, *draft.rglob("*")]:
        one.chmod(0o700 if one.is_dir() else 0o600)


def _put_in_place(draft: Path, path: Path, own: Path) -> None:
    for file in [draft] if draft.is_file() else [one for one in draft.rglob("*") if one.is_file()]:
        with file.open("rb+") as written:
            os.fsync(written.fileno())
    if path.is_dir():
        path.rename(own / FORMER)  # removed with our own folder
    draft.rename(path)


def _explained(fault: OSError, path: Path) -> DraftError:
    words = fault.strerror or str(fault)
    if fault.errno in _FULL or any(os.strerror(code) in words for code in _FULL):  # Arrow's errors have no number
        return DraftError(f"{path}: the disk is full ({words}). Nothing was changed; free some space and try again.")
    return DraftError(f"{path}: cannot be written ({words}). Check the path and its permissions.")
