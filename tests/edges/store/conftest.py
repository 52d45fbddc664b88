"""The `store` fixture: the real store, on SQLite in a temporary file and on PostgreSQL where pgserver is installed."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tierbot.edges.store import SqlStore, open_store


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a blank SQLite database, made once: a copy opens in a few milliseconds."""
    path = tmp_path_factory.mktemp("template") / "blank.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL server for this worker; return a function from a database's name to its URL."""
    pgserver = pytest.importorskip("pgserver", reason="needs pgserver (pip install pgserver) for a PostgreSQL server")
    pytest.importorskip("psycopg", reason="needs psycopg (pip install 'tierbot[postgres]')")
    running = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield lambda database: str(running.get_uri(database))
    running.cleanup()


@pytest.fixture(scope="session")
def blank_postgresql(server: Callable[[str], str]) -> str:
    """Return the name of a database with tierbot's schema and nothing in it, to be copied."""
    _execute(server("postgres"), "CREATE DATABASE blank")
    open_store(server("blank")).close()
    return "blank"


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def sqlite_url(template: Path, tmp_path: Path) -> str:
    """Return the address of an SQLite database of this test's own."""
    path = tmp_path / "tierbot.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def empty_postgresql(server: Callable[[str], str]) -> Iterator[str]:
    """Return the address of a PostgreSQL database without a single table."""
    yield from _database(server, "template1")


def _database(server: Callable[[str], str], template: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    _execute(server("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server(name)
    _execute(server("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql_url(server: Callable[[str], str], blank_postgresql: str) -> Iterator[str]:
    """Return the address of a PostgreSQL database of this test's own."""
    yield from _database(server, blank_postgresql)


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
