"""Examine the database for `tierbot doctor`: open it and try a write, without changing it."""

import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile

from tierbot.adapters.store.engine import Database, connect, file_of, parse
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.schema import HEAD, refuse_foreign, refuse_unknown, revision
from tierbot.domain.doctor.facts import DatabaseFacts


def examine(url: str) -> DatabaseFacts:
    """Open the database at `url` without creating or upgrading it, and try a write and roll it back."""
    where, free = "the database", None
    try:
        file = file_of(parse(url))
        if file is not None:
            where, free = str(file), _free(file)
            if not file.exists():
                fault = None if _is_writable(file) else f"{file.parent}: cannot be written. Check DATABASE_URL."
                return DatabaseFacts(where, fault, is_new=True, newest=HEAD, free_bytes=free)
        with closing(connect(url, create=False)) as database:
            where = database.where
            found = _revision(database)
            _try_to_write(database)
    except StoreError as fault:
        return DatabaseFacts(where, str(fault), newest=HEAD, free_bytes=free)
    return DatabaseFacts(where, is_new=found is None, revision=found, newest=HEAD, free_bytes=free)


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        found = revision(connection)
        if found is None:
            refuse_foreign(connection, database.where)
        else:
            refuse_unknown(found, database.where)
    return found


def _try_to_write(database: Database) -> None:
    with database.write("doctor") as connection:
        connection.exec_driver_sql("CREATE TABLE tierbot_doctor (probe INTEGER)")
        connection.exec_driver_sql("INSERT INTO tierbot_doctor VALUES (1)")
        connection.rollback()


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
