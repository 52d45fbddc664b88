"""Temporary folders that are gone in the end, even if their process is killed: the next one nearby removes them.

A folder is locked as long as its process lives. Whoever makes another one in the same place removes those that nobody holds.
"""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MARK = ".tierbot-part"
_NAMED_AFTER = 40  # characters of what a folder is for, in its name
_ABANDONED = 86_400.0  # seconds; where files can't be locked
FORMER = "former"
"""Something of value that a folder holds for a moment; such a folder is never removed by another process."""


@contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a new folder in `parent`, accessible to its owner only; remove it afterwards, and those left by killed processes.

    Raises OSError if it can't be made.
    """
    _sweep(parent)
    folder, lock = _made(parent, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _made(parent: Path, name: str) -> tuple[Path, int | None]:
    """Make a folder and lock it; another one if a sweep was faster."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f".{name[:_NAMED_AFTER]}.", suffix=_MARK))
        with suppress(BlockingIOError):
            lock = _lock(folder)
            if folder.exists():
                return folder, lock
            if lock is not None:
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock a folder and return its descriptor, None where that isn't possible. Raises BlockingIOError if it is held."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(descriptor)
        if isinstance(fault, BlockingIOError):
            raise
        return None
    return descriptor


def _sweep(parent: Path) -> None:
    """Remove the folders of killed processes."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            if entry.name.startswith(".") and entry.name.endswith(_MARK):
                _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            return
        lock = _lock(folder)
        try:
            if (lock is not None or time.time() - found.st_mtime > _ABANDONED) and not (folder / FORMER).exists():
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            if lock is not None:
                os.close(lock)
