"""Connections: one engine per store, set up so that SQLite and PostgreSQL give the same guarantees.

A write transaction locks its workspace from the start, so what it read stays true until it commits: with BEGIN IMMEDIATE
on SQLite (a deferred BEGIN fails with "database is locked" at the first write) and an advisory lock per workspace on
PostgreSQL. A read transaction is a snapshot without a lock.

On PostgreSQL nothing outlives a transaction in the session: a pooler such as PgBouncer may run the next one on another
connection to the server.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import StaticPool

from tierbot.adapters.store.errors import StoreBusyError, StoreError, explained, no_database
from tierbot.adapters.store.turns import RETRY_SECONDS, Turns, Turnstile
from tierbot.adapters.store.write_ahead_log import WriteAheadLog

BUSY_SECONDS = 30.0
_HIGHEST_PORT = 65_535
_READ_ONLY = "tierbot_read_only"
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING


class Database:
    """An engine and the two ways to open a transaction on it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        name = engine.url.database if self._sqlite else None
        self.where = name or engine.url.render_as_string(hide_password=True)  # its name in errors
        self._writer = Turns()
        self._in_memory = isinstance(engine.pool, StaticPool)
        file = file_of(engine.url)
        self._turnstile = None if file is None else Turnstile(file)
        self._log = None if file is None else WriteAheadLog(file)
        self.wrote_at = -math.inf  # when the last write transaction was committed, by the monotonic clock

    @contextmanager
    def write(self, workspace: str) -> Iterator[Connection]:
        """Open the only write transaction of a workspace; commit at the end, roll back if the block raises.

        Raises StoreBusyError after waiting BUSY_SECONDS, StoreError for a full disk and the like.
        """
        with explained(self.where), self._queue(), self.engine.connect() as connection:
            with self._turnstile or nullcontext():
                transaction = connection.begin()
            with transaction:
                if not self._sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock_number(workspace)})
                yield connection
            self.wrote_at = time.monotonic()
            if self._log is not None:
                self._log.shorten(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only snapshot: every query in it sees the same state."""
        options: dict[str, Any] = {_READ_ONLY: True}
        if not self._sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        turn = self._queue() if self._in_memory else nullcontext()
        with explained(self.where), turn, self.engine.connect() as plain:
            connection = plain.execution_options(**options)
            with connection.begin():
                try:
                    yield connection
                finally:
                    if self._sqlite and not connection.invalidated:  # Ctrl-C during a query closes it
                        connection.exec_driver_sql("PRAGMA query_only=OFF")

    def close(self) -> None:
        """Close all connections; using the database again opens new ones."""
        self.engine.dispose()
        if self._turnstile is not None:
            self._turnstile.close()

    @contextmanager
    def _queue(self) -> Iterator[None]:
        if not self._sqlite:
            yield
            return
        if not self._writer.acquire(timeout=BUSY_SECONDS):
            raise StoreBusyError(
                f"{self.where}: another transaction of this process is still open. Keep transactions short, and don't "
                "nest them."
            )
        try:
            yield
        finally:
            self._writer.release()


def lock_number(name: str) -> int:
    """Return the 64-bit number of a name's advisory lock on PostgreSQL."""
    return int.from_bytes(hashlib.blake2b(f"tierbot:{name}".encode(), digest_size=8).digest(), "big", signed=True)


def read_json(text: str | bytes) -> Any:
    """Parse a JSON column. Most of the data are distributions, and orjson takes a quarter of the time."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)  # accepts NaN and lone surrogates, too


def write_json(value: object) -> str:
    """Write a JSON column; numpy's numbers and any mapping are accepted."""
    return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    if hasattr(value, "item"):  # a number of numpy's
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} can't be stored as JSON")


def connect(url: str, *, create: bool) -> Database:
    """Return the database at `url`, not yet opened. Raises StoreError if that is invalid, or a missing file."""
    parsed = parse(url)
    try:
        return Database(
            _sqlite(parsed, create=create) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        )
    except (ArgumentError, ValueError, TypeError) as fault:
        raise StoreError(f"DATABASE_URL: {str(fault).splitlines()[0]}. Correct it.") from fault


def parse(url: str) -> URL:
    """Parse DATABASE_URL and add the driver. Raises StoreError if it is invalid or names another kind of database."""
    try:
        parsed = make_url(url)
        (parsed.host or "").encode("idna")
        if parsed.port is not None and not 0 < parsed.port <= _HIGHEST_PORT:
            raise ValueError(parsed.port)  # noqa: TRY301 - the same as of a port that isn't a number
    except ArgumentError as fault:
        raise StoreError(
            "DATABASE_URL: not a database URL. Write sqlite:///tierbot.db or postgresql://user:password@host/name."
        ) from fault
    except ValueError as fault:
        raise StoreError(
            "DATABASE_URL: its host or port isn't valid; a port is a number from 1 to 65535. Write "
            "postgresql://user:password@host:5432/name, and percent-encode a password with : / ? # [ ] @ in it (%40 for @)."
        ) from fault
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        parsed = parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername not in {"sqlite+pysqlite", "postgresql+psycopg"}:
        raise StoreError(
            f"DATABASE_URL: {parsed.drivername} is not supported. Write sqlite:///tierbot.db or "
            "postgresql://user:password@host/name."
        )
    return parsed


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for one in memory, on a server, or in SQLite's URI syntax."""
    name = url.database or ":memory:"
    if url.get_backend_name() != "sqlite" or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def _sqlite(url: URL, *, create: bool) -> Engine:
    import sqlite3  # noqa: PLC0415 - only where SQLite is used

    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old. Use a Python with SQLite 3.35 or newer.")
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    if url.database in {None, "", ":memory:"}:
        options["poolclass"] = StaticPool
    if file := file_of(url):
        _check_folder(file, create=create)
    engine = create_engine(url, json_serializer=write_json, json_deserializer=read_json, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_folder(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path}: is a folder. Name a file in it, such as sqlite:///{path}/tierbot.db.")
    if not path.exists() and not create:
        raise no_database(str(path))
    if path.exists():  # closing it would release the locks that SQLite has on it in this process
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only the owner may read votes and encrypted tokens; SQLite gives its log files the same mode.
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    except OSError as fault:
        raise StoreError(f"{path}: cannot be created ({fault.strerror}). Check DATABASE_URL.") from fault


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    connection.isolation_level = None  # _begin_sqlite starts transactions, not the driver
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")  # in WAL mode, safe if the program crashes


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_READ_ONLY):
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_immediate(connection)


def _begin_immediate(connection: Connection) -> None:
    """Lock the database for writing; wait up to BUSY_SECONDS for other processes.

    SQLite's own wait sleeps for longer and longer, up to 0.1 s, and so missed the moments between the short transactions of
    a busy worker: reactions in the web process waited for a quarter of a second.
    """
    driver: Any = connection.connection.driver_connection
    (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout=0")
    end = time.monotonic() + BUSY_SECONDS
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as fault:
                if "locked" not in str(fault.orig) or time.monotonic() >= end:
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={patience}")


def _postgresql(url: URL) -> Engine:
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
    options["connect_args"] = {"prepare_threshold": None}  # a prepared statement belongs to one session
    try:
        engine = create_engine(url, json_serializer=write_json, json_deserializer=read_json, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as fault:
        raise StoreError("PostgreSQL needs one more package. Install it: pip install '.[postgres]'.") from fault
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    # A worker that hangs inside a transaction must not lock its workspace forever.
    limits = {"lock_timeout": f"{BUSY_SECONDS:g}s", "idle_in_transaction_session_timeout": "60s"}
    local = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())
    connection.exec_driver_sql(f"SELECT {local}")
