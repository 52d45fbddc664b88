"""What can go wrong with a database, said so that a person can mend it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tierbot.domain.nouns import TierbotError


class StoreError(TierbotError):
    """The database cannot be used; the text says why and what to do."""


class NoDatabaseError(StoreError):
    """There is no database at that place yet."""


class StoreBusyError(StoreError):
    """Another process or thread kept the database to itself for too long; trying again later is fine."""


# Signs in SQLite's message or PostgreSQL's SQLSTATE, and what they mean to a person.
_MEANINGS: tuple[tuple[tuple[str, ...], type[StoreError], str], ...] = (
    (
        ("database is locked", "database table is locked", "55P03", "40P01", "40001", "25P03"),
        StoreBusyError,
        (
            "another process kept the database busy for too long. Try again; if it stays so, look for a second "
            "tierbot, a backup or a database tool that has it open, and stop that."
        ),
    ),
    (
        ("database or disk is full", "53100"),
        StoreError,
        "the disk is full; nothing of this step was written. Free space and try again.",
    ),
    (
        ("file is not a database", "database disk image is malformed"),
        StoreError,
        "is not a sound SQLite database. Point DATABASE_URL elsewhere, or restore a backup.",
    ),
    (
        ("readonly database", "25006"),
        StoreError,
        "cannot be written. Give the user that runs tierbot the right to write there.",
    ),
    (
        ("unable to open database file", "disk I/O error"),
        StoreError,
        "cannot be opened. Check that the folder exists and can be read and written.",
    ),
)


def explain(fault: Exception, where: str) -> StoreError | None:
    """Return the fault of the database `where` in a person's words, None if it is not one they can mend."""
    if isinstance(fault, PoolTimeoutError):
        return StoreBusyError(f"{where}: all connections are in use. Try again; if it stays so, restart tierbot.")
    if not isinstance(fault, DBAPIError):
        return None
    said = (str(fault.orig).strip() or type(fault.orig).__name__).splitlines()[0]
    signs = f"{said} {getattr(fault.orig, 'sqlstate', None) or ''}"
    for meaning, kind, text in _MEANINGS:
        if any(sign in signs for sign in meaning):
            return kind(f"{where}: {text}")
    if isinstance(fault, IntegrityError):
        return StoreError(f"{where}: refused a row that contradicts another ({said}). Please report this.")
    if isinstance(fault, OperationalError):
        return StoreError(f"{where}: {said}. Check that the server runs and that DATABASE_URL names it rightly.")
    return None


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn a database's faults inside the block into StoreErrors."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as fault:
        told = explain(fault, where)
        if told is None:
            raise
        raise told from fault
