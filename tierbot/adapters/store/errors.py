"""Database errors, with a remedy for each."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tierbot.domain.nouns import TierbotError


class StoreError(TierbotError):
    """The database can't be used; the text says why and what to do.

    brief: the same in a few words without names, for readiness probes.
    """

    brief = "the database cannot be reached"


class NoDatabaseError(StoreError):
    """The database doesn't exist yet."""


def no_database(where: str) -> NoDatabaseError:
    """Return the error for a command that reads a database that doesn't exist yet."""
    return NoDatabaseError(
        f"{where}: there is no database yet. Start the bot once (`tierbot run`), or check DATABASE_URL."
    )


class StoreBusyError(StoreError):
    """Another process or thread locked the database for too long; a retry may succeed."""

    brief = "the database is locked by another transaction"


class DiskFullError(StoreError):
    """The disk of the database is full."""

    brief = "the disk is full"


class ReadOnlyError(StoreError):
    """The database can be read but not written."""

    brief = "the database cannot be written"


# Parts of SQLite's message or PostgreSQL's SQLSTATE, and their explanation.
_MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("database is locked", "database table is locked", "55P03", "40P01", "40001", "25P03"),
        StoreBusyError,
        (
            "another process locked the database for too long. Try again; if it happens again, stop any second tierbot, "
            "backup or database tool that has it open."
        ),
    ),
    (
        ("query_wait_timeout", "no more connections allowed"),
        StoreBusyError,
        "PgBouncer had no connection to the server in time. Try again; if it happens again, raise its default_pool_size.",
    ),
    (
        ("database or disk is full", "53100"),
        DiskFullError,
        "the disk is full; this step wrote nothing. Free some space and try again.",
    ),
    (
        ("file is not a database", "database disk image is malformed"),
        StoreError,
        "is not a valid SQLite database. Point DATABASE_URL elsewhere, or restore a backup.",
    ),
    (
        ("readonly database", "25006", "during recovery"),  # a standby of PostgreSQL
        ReadOnlyError,
        "cannot be written. Give write permission to the user that runs tierbot.",
    ),
    (
        ("unable to open database file", "disk I/O error"),
        StoreError,
        "cannot be opened. Check that the folder exists and is readable and writable.",
    ),
)


def explain(fault: Exception, where: str) -> StoreError | None:
    """Return an error of the database `where` in plain words, or None if people can't fix it."""
    if isinstance(fault, PoolTimeoutError):
        return StoreBusyError(f"{where}: all connections are in use. Try again; if it happens again, restart tierbot.")
    if not isinstance(fault, DBAPIError):
        return None
    said = (str(fault.orig).strip() or type(fault.orig).__name__).splitlines()[0]
    signs = f"{said} {getattr(fault.orig, 'sqlstate', None) or ''}"
    for meaning, kind, text in _MEANINGS:
        if any(sign in signs for sign in meaning):
            return kind(f"{where}: {text}")
    if isinstance(fault, IntegrityError):
        return StoreError(f"{where}: refused a row that contradicts another ({said}). Please report this.")
    if isinstance(fault, OperationalError | InterfaceError) or fault.statement is None:  # none: it never connected
        return StoreError(f"{where}: {said}. Check that the server is running and that DATABASE_URL is right.")
    return None


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Convert database errors inside the block to StoreErrors."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as fault:
        error = explain(fault, where)
        if error is None:
            raise
        raise error from fault
