"""The schema: made, upgraded, and refused where code and database disagree."""

import re
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from tests.support.paths import ROOT
from tests.support.rows import TEAM, VERSIONS, article
from tierbot.adapters.store import SqlStore, StoreError, open_store
from tierbot.adapters.store.columns import Row
from tierbot.adapters.store.engine import connect
from tierbot.adapters.store.schema import HEAD, VERSION_TABLE, revision


def run_sql(url: str, *statements: str, **values: str) -> None:
    """Run statements on a database as it is."""
    database = connect(url, create=True)
    with database.write("test") as connection:
        for statement in statements:
            connection.execute(text(statement), values)
    database.engine.dispose()


def test_the_migrations_make_exactly_the_tables_that_are_declared(store: SqlStore) -> None:
    with store._database.read() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Row.metadata) == []


def test_the_migrations_make_the_partial_indexes_that_are_declared(store: SqlStore) -> None:
    """Alembic does not compare the conditions of indexes on SQLite."""
    if store._database.engine.dialect.name != "sqlite":
        pytest.skip("Alembic compares them on PostgreSQL")
    with store._database.read() as connection:
        partial = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
        made = {row.name: row.sql.partition(" WHERE ")[2] for row in connection.execute(partial)}
    declared = {
        str(index.name): str(index.dialect_options["sqlite"]["where"])
        for rows in Row.metadata.tables.values()
        for index in rows.indexes
        if index.dialect_options["sqlite"].get("where") is not None
    }
    assert made == declared


def test_every_table_carries_the_workspace() -> None:
    assert len(Row.metadata.tables) > 20
    assert [name for name, rows in Row.metadata.tables.items() if "workspace_id" not in rows.c] == []


def test_migrations_are_numbered_without_gaps_and_the_last_is_the_head() -> None:
    assert [name[:4] for name in VERSIONS] == [f"{number:04}" for number in range(7, int(HEAD) + 1)]


def test_a_blank_database_is_brought_to_the_head(blank_url: str) -> None:
    open_store(blank_url).close()
    database = connect(blank_url, create=False)
    with database.read() as connection:
        assert revision(connection) == HEAD
        assert set(Row.metadata.tables) <= set(inspect(connection).get_table_names())
    database.engine.dispose()


def test_opening_a_current_database_keeps_its_rows_and_does_not_import_alembic(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
    store.close()
    program = (
        "import sys; from tierbot.adapters.store import open_store; store = open_store(sys.argv[1])\n"
        "with store.read('T1') as tx: assert tx.articles.count() == 1\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, sqlite_url], check=True, timeout=60)


def test_a_newer_database_is_refused_and_left_alone(url: str) -> None:
    open_store(url).close()
    run_sql(url, "UPDATE tierbot_schema SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"schema \(9999\) is newer than this tierbot \(\d{4}\)\. Upgrade tierbot"):
        open_store(url)
    run_sql(url, "UPDATE tierbot_schema SET version_num = :head", head=HEAD)
    open_store(url).close()


@pytest.mark.parametrize("schema", ["0001", "0006"])
def test_a_database_from_before_the_first_version_is_refused_and_left_alone(url: str, schema: str) -> None:
    open_store(url).close()
    run_sql(url, "UPDATE tierbot_schema SET version_num = :schema", schema=schema)
    with pytest.raises(
        StoreError, match=rf"before 0\.1\.0 \(schema {schema}\), which can't be upgraded\. Move it away"
    ):
        open_store(url)
    run_sql(url, "UPDATE tierbot_schema SET version_num = :head", head=HEAD)
    open_store(url).close()


def test_another_programs_database_is_refused_and_left_alone(blank_url: str) -> None:
    run_sql(blank_url, "CREATE TABLE customers (id INTEGER)", "INSERT INTO customers VALUES (7)")
    with pytest.raises(StoreError, match=r"aren't tierbot's \(customers\)\. Point DATABASE_URL"):
        open_store(blank_url)
    database = connect(blank_url, create=False)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["customers"]
    database.engine.dispose()


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(blank_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_index", _fail)
        with pytest.raises(RuntimeError, match="interrupted"):
            open_store(blank_url).close()
    database = connect(blank_url, create=False)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    database.engine.dispose()
    open_store(blank_url).close()


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("interrupted")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 999)
    with pytest.raises(StoreError, match=re.escape(f"{path}: is not a valid SQLite database. Point DATABASE_URL")):
        open_store(f"sqlite:///{path}")
    assert path.read_text() == "Dear diary, " * 999


def test_a_damaged_database_is_told(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreError, match="is not a valid SQLite database"):
        open_store(sqlite_url)


def test_without_create_a_missing_database_is_an_error(blank_url: str) -> None:
    with pytest.raises(StoreError, match="there is no database yet"):
        open_store(blank_url, create=False)
    open_store(blank_url).close()
    open_store(blank_url, create=False).close()


def test_the_migrations_travel_in_the_wheel(tmp_path: Path) -> None:
    builder = pytest.importorskip("hatchling.builders.wheel", reason="needs hatchling to build a wheel")
    (built,) = builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    names = set(zipfile.ZipFile(built).namelist())
    assert {f"tierbot/adapters/store/migrations/versions/{name}" for name in VERSIONS} <= names
    assert {"tierbot/adapters/store/migrations/env.py", "tierbot/adapters/store/migrations/script.py.mako"} <= names
