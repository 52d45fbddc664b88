"""What `tierbot doctor` wants to know of the database: it is opened, written to, and left as it was."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from tierbot.adapters.store.engine import Database, connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.schema import HEAD, MIGRATIONS, _refuse_foreign, revision
from tierbot.domain.doctor.facts import DatabaseFacts
from tierbot.domain.nouns import TierbotError


def examine(url: str) -> DatabaseFacts:
    """Open the database at `url` without making or upgrading it, and try a write that is rolled back."""
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
    """Return the file of an SQLite database, None for one in memory or on a server (or a URL that is none)."""
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
            _refuse_foreign(connection, database.where)
    known = {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if found is not None and found not in known:
        raise StoreError(
            f"{database.where}: its schema ({found}) is newer than this tierbot ({HEAD}). Upgrade tierbot."
        )
    return found


class _UndoneError(Exception):
    """Rolls the probing write back."""


def _try_to_write(database: Database) -> None:
    try:
        with database.write("doctor") as connection:
            _write_in_vain(connection)
    except _UndoneError:
        pass


def _write_in_vain(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE tierbot_doctor (probe INTEGER)")
    connection.exec_driver_sql("INSERT INTO tierbot_doctor VALUES (1)")
    raise _UndoneError


def _free(file: Path) -> int | None:
    try:
        return shutil.disk_usage(_standing(file)).free
    except OSError:
        return None


def _is_writable(file: Path) -> bool:
    try:
        with TemporaryFile(dir=_standing(file)):  # permission bits do not tell of a read-only disk
            return True
    except OSError:
        return False


def _standing(file: Path) -> Path:
    """Return the nearest folder above a file that exists: the others are made at the first start."""
    return next((folder for folder in file.absolute().parents if folder.is_dir()), Path())
