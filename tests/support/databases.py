"""Databases for tests: SQLite in a file, and PostgreSQL from a server that is started for them."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text


@contextmanager
def postgresql_server() -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL server; give a function from a database's name to its URL. Skip the test without one."""
    pgserver = pytest.importorskip("pgserver", reason="needs a PostgreSQL server (pip install pgserver)")
    pytest.importorskip("psycopg", reason="needs PostgreSQL's driver (pip install '.[postgres]')")
    # Not pytest's folder: its path may be too long for a socket, and other sessions tidy it up.
    with TemporaryDirectory(prefix="tierbot-pg-", ignore_cleanup_errors=True) as folder:
        running = pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield lambda database: str(running.get_uri(database))
        finally:
            running.cleanup()


def execute(url: str, *statements: str) -> None:
    """Execute statements on PostgreSQL outside of a transaction."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def blank_database(server: Callable[[str], str]) -> Iterator[str]:
    """Give the address of a new database of a server, without a single table."""
    name = f"t{uuid.uuid4().hex}"
    execute(server("postgres"), f"CREATE DATABASE {name}")
    yield server(name)
    execute(server("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of a blank database, on PostgreSQL with a server of its own."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/chaos.db"
        return
    with postgresql_server() as server:
        yield server("postgres").replace("postgresql:", "postgresql+psycopg:")
