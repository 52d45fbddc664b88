"""Who may write next on SQLite: its own lock goes to whoever asks first once it is free.

A worker with many short transactions would take it again and again while reactions wait for their acknowledgment. `Turns`
is the queue of a process's threads, `Turnstile` that of the processes.
"""

import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

RETRY_SECONDS = 0.002
"""Between two attempts to lock something that another process holds; its transactions take about 10 ms."""

_PATIENCE = 0.25  # seconds; a process that stopped in the turnstile must not stop the others


class Turns:
    """A fair lock: it goes to the thread that has waited longest."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for the lock up to `timeout` seconds; return whether it was acquired."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout):
            return True
        with self._guard:
            if turn.is_set():  # just now
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Pass the lock to the next thread."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False


class Turnstile:
    """Lets one process at a time wait for the database's lock. Not thread-safe: it belongs to who has the process's turn.

    A process that just wrote and wants to write again finds the turnstile occupied by one that waits, and so comes after
    it. This is about fairness alone: whoever waits for too long passes all the same, since SQLite's lock still excludes
    two writers.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-turn")
        self._file: int | None = None

    def __enter__(self) -> None:
        if self._file is None:
            self._file = self._opened()
        end = time.monotonic() + _PATIENCE
        while self._file is not None and not _try_lock(self._file) and time.monotonic() < end:
            time.sleep(RETRY_SECONDS)

    def _opened(self) -> int | None:
        if sys.platform == "win32":  # processes come in any order there
            return None
        with suppress(OSError):  # SQLite's own error about the folder or the disk says more
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        return None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            _unlock(self._file)

    def close(self) -> None:
        """Close the file; entering again opens it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _try_lock(file: int) -> bool:
    """Lock a file unless somebody else has; return whether it is ours now."""
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(file: int) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows

    fcntl.flock(file, fcntl.LOCK_UN)
