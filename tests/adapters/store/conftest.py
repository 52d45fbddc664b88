"""The `store` fixture: the real store, on SQLite in a temporary file and on PostgreSQL where pgserver is installed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.databases import blank_database, execute, postgresql_server
from tierbot.adapters.store import SqlStore, open_store
from tierbot.adapters.store.columns import Row
from tierbot.adapters.store.engine import Database


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every database that a test opened: Python 3.13 warns of one that is left to the garbage collector."""
    opened: list[Database] = []
    make = Database.__init__

    def remember(database: Database, engine: Engine) -> None:
        make(database, engine)
        opened.append(database)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for database in opened:
        database.close()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a blank SQLite database, made once: a copy opens in a few milliseconds."""
    path = tmp_path_factory.mktemp("template") / "blank.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL server for this worker; return a function from a database's name to its URL."""
    with postgresql_server() as server:
        # Nobody needs these data after a power cut.
        off = [f"ALTER SYSTEM SET {setting} = off" for setting in ("fsync", "synchronous_commit", "full_page_writes")]
        execute(server("postgres"), *off, "SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def shared_postgresql(server: Callable[[str], str]) -> str:
    """Return the address of this worker's database with tierbot's schema."""
    execute(server("postgres"), "CREATE DATABASE shared")
    open_store(server("shared")).close()
    return server("shared")


@pytest.fixture
def postgresql_url(shared_postgresql: str) -> Iterator[str]:
    """Return the address of a PostgreSQL database that is empty (a new one each time would take 0.3 s)."""
    yield shared_postgresql
    execute(shared_postgresql, f"TRUNCATE {', '.join(Row.metadata.tables)} RESTART IDENTITY CASCADE")


@pytest.fixture
def blank_postgresql(server: Callable[[str], str]) -> Iterator[str]:
    """Return the address of a PostgreSQL database without a single table."""
    with blank_database(server) as url:
        yield url


@pytest.fixture
def blank_sqlite(tmp_path: Path) -> str:
    """Return the address of an SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'blank.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a database without a single table, on each kind of server."""
    return str(request.getfixturevalue(f"blank_{request.param}"))


@pytest.fixture
def sqlite_url(template: Path, tmp_path: Path) -> str:
    """Return the address of an SQLite database of this test's own."""
    path = tmp_path / "tierbot.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the address of a database of this test's own, on each kind of server."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def opened(url: str) -> Iterator[Callable[[], SqlStore]]:
    """Return a function that opens the test's database once more, as another process would."""
    stores: list[SqlStore] = []

    def another() -> SqlStore:
        stores.append(open_store(url))
        return stores[-1]

    yield another
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[[], SqlStore]) -> SqlStore:
    """Return an empty store."""
    return opened()
