"""Examine the database for `tierbot doctor`: open it and try a write, without changing it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tierbot.adapters.store.engine import Database, connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.schema import HEAD, known_revisions, refuse_foreign, revision
from tierbot.domain.doctor.facts import DatabaseFacts
from tierbot.domain.nouns import TierbotError


def examine(url: str) -> DatabaseFacts:
    """Open the database at `url` without creating or upgrading it, and try a write and roll it back."""
    file = database_file(url)
    free = None if file is None else _free(file)
    if file is not None and not file.exists():
        fault = None if _is_writable(file) else f"{file.parent}: cannot be written. Check DATABASE_URL."
        return DatabaseFacts(str(file), fault, is_new=True, newest=HEAD, free_bytes=free)
    where = "the database" if file is None else str(file)
    try:
        with _opened(url) as database:
            where = database.where
            found = _revision(database)
            _try_to_write(database)
    except TierbotError as fault:
        return DatabaseFacts(where, str(fault), newest=HEAD, free_bytes=free)
    return DatabaseFacts(where, is_new=found is None, revision=found, newest=HEAD, free_bytes=free)


def database_file(url: str) -> Path | None:
    """Return the file of a SQLite database; None for one in memory or on a server, or for an invalid URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    name = str(parsed.database or "")
    if parsed.get_backend_name() != "sqlite" or name in {"", ":memory:"} or name.startswith("file:"):
        return None
    return Path(name)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = connect(url, create=False)
    try:
        yield database
    finally:
        database.engine.dispose()


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        found = revision(connection)
        if found is None:
            refuse_foreign(connection, database.where)
    if found is not None and found not in known_revisions():
        raise StoreError(
            f"{database.where}: its schema ({found}) is newer than this tierbot ({HEAD}). Upgrade tierbot."
        )
    return found


class _UndoneError(Exception):
    """Rolls back the trial write."""


def _try_to_write(database: Database) -> None:
    with suppress(_UndoneError), database.write("doctor") as connection:
        connection.exec_driver_sql("CREATE TABLE tierbot_doctor (probe INTEGER)")
        connection.exec_driver_sql("INSERT INTO tierbot_doctor VALUES (1)")
        raise _UndoneError


def _free(file: Path) -> int | None:
    try:
        return shutil.disk_usage(_existing_folder(file)).free
    except OSError:
        return None


def _is_writable(file: Path) -> bool:
    try:
        with TemporaryFile(dir=_existing_folder(file)):  # permission bits don't show a read-only disk
            return True
    except OSError:
        return False


def _existing_folder(file: Path) -> Path:
    """Return the nearest existing folder above a file; the first start creates the others."""
    return next((folder for folder in file.absolute().parents if folder.is_dir()), Path())
