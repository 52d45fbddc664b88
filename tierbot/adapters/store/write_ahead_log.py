"""Keeps SQLite's write-ahead log short while readers overlap.

SQLite copies the log into the database by itself, but starts the log over only when nobody is reading it. On a busy bot
one read begins before another ends, so the log grew to eight times the size of the database. When the log is long, a
writer waits briefly for its readers; later readers use the database itself.
"""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

LONG = 16 * 2**20  # bytes; SQLite starts over at 4 MB where it can
_LOOK_EVERY = 100  # write transactions
_PAUSE = 5.0  # seconds between attempts
_PATIENCE = 250  # milliseconds for which writers wait for readers


class WriteAheadLog:
    """The log beside a database's file. Not thread-safe: a writer calls it while no other writes in this process."""

    def __init__(self, database: Path) -> None:
        self._file = database.with_name(f"{database.name}-wal")
        self._written = 0
        self._next = 0.0

    def shorten(self, connection: Connection) -> None:
        """Empty the log if it is long, unless readers need it for longer; they finish first."""
        self._written += 1
        if self._written % _LOOK_EVERY or time.monotonic() < self._next or self._size() < LONG:
            return
        self._next = time.monotonic() + _PAUSE
        driver: Any = connection.connection.driver_connection
        (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        try:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            driver.execute(f"PRAGMA busy_timeout={patience}")

    def _size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0
