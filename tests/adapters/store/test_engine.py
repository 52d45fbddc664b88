"""DATABASE_URL: what is understood, and what a wrong one is told."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.support.rows import TEAM, article
from tierbot.adapters.store import StoreError, engine, open_store
from tierbot.adapters.store.engine import connect, lock_number
from tierbot.use_cases.ports import DeliveryState


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("tierbot.db", "not a database URL. Write sqlite:///tierbot.db"),
        ("", "not a database URL"),
        ("mysql://user@host/name", "mysql is not supported. Write sqlite:///"),
        ("sqlite+aiosqlite:///x.db", "not supported"),
        (
            "postgresql://u:s3cret@localhost:notaport/db",
            "its host or port isn't valid; a port is a number from 1 to 65535",
        ),
        ("postgresql://u:s3cret@localhost:99999/db", "a port is a number from 1 to 65535"),
        ("postgresql://u:s3cret@localhost:0/db", "a port is a number from 1 to 65535"),
        ("postgresql://u:s3cret@localhost:-5/db", "a port is a number from 1 to 65535"),
        ("postgresql://u:s3cret@localhost:5432:1/db", "a port is a number from 1 to 65535"),
        ("postgresql://u:s3cret@localhost:/db", "a port is a number from 1 to 65535"),
        ("postgresql://u:s3cret@[::1/db", "its host or port isn't valid"),
        (f"postgresql://u:s3cret@{'a' * 99}/db", "its host or port isn't valid"),
        ("postgresql://u:s3cret@localhost/db?port=abc", "Received non-integer port"),
        ("sqlite:///x.db?timeout=abc", "could not convert string to float"),
        ("sqlite://host:99/x.db", "Invalid SQLite URL"),
        ("sqlite:///\0", "embedded null byte"),
    ],
)
def test_a_url_that_cannot_work_says_what_would(url: str, told: str) -> None:
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg", reason="needs PostgreSQL's driver")
    with pytest.raises(StoreError, match=told) as raised:
        connect(url, create=True)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("option", ["connect_timeout=abc", "nosuch=1", "sslmode=nonsense", "port=99999"])
def test_an_option_that_the_driver_refuses_is_told_without_a_traceback(option: str) -> None:
    pytest.importorskip("psycopg", reason="needs PostgreSQL's driver")
    with pytest.raises(StoreError, match=r"(abc|nosuch|nonsense|99999).*Check that .* DATABASE_URL is right"):
        open_store(f"postgresql://u:p@127.0.0.1:1/db?{option}")


def test_no_password_is_shown() -> None:
    pytest.importorskip("psycopg", reason="needs PostgreSQL's driver")
    with pytest.raises(StoreError, match="Check that the server is running") as told:
        open_store("postgresql://someone:s3cret@127.0.0.1:1/tierbot?connect_timeout=1")
    assert "someone" in str(told.value)
    assert "s3cret" not in str(told.value)


def test_a_url_as_hosting_services_write_it_is_understood(postgresql_url: str) -> None:
    store = open_store(postgresql_url.replace("postgresql://", "postgres://"))
    assert store.workspace_ids() == []
    store.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_special_characters_and_the_drivers_own_arguments_reach_the_server(scheme: str) -> None:
    pytest.importorskip("psycopg", reason="needs PostgreSQL's driver")
    address = (
        f"{scheme}://bot%40team:p%40ss%2Fw%3A%25%23%3F+@db.example:6543/tier%20bot?sslmode=require&connect_timeout=3"
    )
    engine = connect(address, create=True).engine
    _, asked = engine.dialect.create_connect_args(engine.url)
    assert {name: asked[name] for name in asked if name != "context"} == {
        "user": "bot@team",
        "password": "p@ss/w:%#?+",
        "host": "db.example",
        "port": 6543,
        "dbname": "tier bot",
        "sslmode": "require",
        "connect_timeout": "3",
    }


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/deep/er/tierbot.db").close()
    assert (tmp_path / "deep" / "er" / "tierbot.db").exists()


def test_a_new_database_is_its_owners_alone_to_read_and_an_older_ones_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "tierbot.db"
    open_store(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    open_store(f"sqlite:///{path}").close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created"):
        open_store(f"sqlite:///{tmp_path}/file/tierbot.db")


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is a folder\. Name a file in it"):
        open_store(f"sqlite:///{tmp_path}")


def test_without_the_driver_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(engine, "create_engine", missing)
    with pytest.raises(StoreError, match=r"pip install '.\[postgres\]'"):
        connect("postgresql://host/name", create=True)


def test_a_store_in_memory_works_like_one_in_a_file() -> None:
    store = open_store("sqlite://")
    with store.begin(TEAM) as tx:
        assert tx.articles.add([article()]) == 1
    with store.read(TEAM) as tx:
        assert tx.articles.count() == 1
    store.close()


def test_ctrl_c_in_the_middle_of_a_query_is_ctrl_c_and_the_next_query_works(sqlite_url: str) -> None:
    store = open_store(sqlite_url)

    def interrupted(_: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT"):
            raise KeyboardInterrupt

    def ask() -> dict[DeliveryState, int]:
        with store.read(TEAM) as tx:
            return dict(tx.outbox.counts())

    assert not any(ask().values())
    event.listen(store._database.engine, "do_execute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask()
    event.remove(store._database.engine, "do_execute", interrupted)
    assert not any(ask().values())
    store.close()


def test_sqlite_is_set_up_to_survive_crashes_and_to_check_references(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    with store._database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30000}
    store.close()


def test_locks_of_workspaces_differ() -> None:
    assert len({lock_number(f"T{number}") for number in range(1000)}) == 1000


def test_opening_a_database_again_keeps_the_locks_that_this_process_has_on_it(tmp_path: Path) -> None:
    """Without them, the next process to close the database deletes the log that this one goes on reading."""
    url, file = f"sqlite:///{tmp_path}/bot.db", tmp_path / "bot.db"
    store = open_store(url)
    with store.begin(TEAM):
        pass
    open_store(url).close()
    other = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM lease'); c.commit(); c.close()"
    )
    subprocess.run([sys.executable, "-c", other, str(file)], check=True)
    assert file.with_name("bot.db-wal").exists()
    store.close()
    assert not file.with_name("bot.db-wal").exists()
