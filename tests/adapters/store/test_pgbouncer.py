"""PgBouncer in transaction mode: each transaction may run on another connection to the server."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, text

from tests.support.counting import count_together
from tests.support.pgbouncer import pooled
from tests.support.rows import NOON, TEAM, article
from tierbot.adapters.store import SqlStore, StoreBusyError, open_store
from tierbot.adapters.store.copying import copy_database


@pytest.fixture
def url(blank_postgresql: str) -> Iterator[str]:
    """Return the address of a blank database behind a pooler with two connections to the server."""
    with pooled(blank_postgresql, connections=2) as address:
        yield address


@pytest.mark.usefixtures("store")
def test_more_processes_than_connections_to_the_server_lose_nothing(opened: Callable[[], SqlStore]) -> None:
    processes, times = 4, 12  # a driver prepares a statement from its fifth use on
    assert count_together([opened() for _ in range(processes)], times) == processes * times


def test_a_reader_sees_one_moment_only(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    with opened().read(TEAM) as reader:
        assert reader.articles.count() == 0
        with store.begin(TEAM) as tx:
            tx.articles.add([article()])
        assert reader.articles.count() == 0
    with store.read(TEAM) as tx:
        assert tx.articles.count() == 1


def test_limits_hold_within_a_transaction_and_reach_nobody_else(store: SqlStore, url: str) -> None:
    names = ("lock_timeout", "idle_in_transaction_session_timeout")
    with store._database.write(TEAM) as connection:
        assert [connection.execute(text(f"SHOW {name}")).scalar() for name in names] == ["30s", "1min"]
    others = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with others.connect() as one, others.connect() as two:
        assert [other.execute(text(f"SHOW {name}")).scalar() for other in (one, two) for name in names] == ["0"] * 4
    others.dispose()


def test_a_whole_database_is_copied_through_it(sqlite_url: str, url: str) -> None:
    store = open_store(sqlite_url)
    with store.begin(TEAM) as tx:
        assert tx.articles.add([article(f"a{number}") for number in range(3)]) == 3
    store.close()
    assert copy_database(sqlite_url, url, NOON) >= 3


def test_a_pooler_without_a_free_connection_is_busy(blank_postgresql: str) -> None:
    with pooled(blank_postgresql, connections=1, max_client_conn=1) as address:
        store = open_store(address)
        with store.read(TEAM), pytest.raises(StoreBusyError, match="default_pool_size"):
            open_store(address)
        store.close()
