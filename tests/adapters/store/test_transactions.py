"""Transactions: all or nothing, one at a time in a workspace, and clear words when the database cannot."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.support.counting import count_together
from tests.support.rows import NOON, TEAM, article, delivery, event
from tierbot.adapters.store import SqlStore, StoreBusyError, StoreError, engine, open_store


class ChangedMindError(Exception):
    """Raised by a block that gives up."""


def test_work_is_kept_when_the_block_ends(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    with store.begin(TEAM) as tx:
        tx.ledger.append(event())
    with opened().read(TEAM) as tx:
        assert tx.ledger.events("C1", "100.000001") == [event()]


def test_a_block_that_raises_leaves_nothing_behind(store: SqlStore) -> None:
    def give_up() -> None:
        with store.begin(TEAM) as tx:
            tx.ledger.append(event())
            tx.outbox.add([delivery()])
            raise ChangedMindError

    with pytest.raises(ChangedMindError):
        give_up()
    with store.begin(TEAM) as tx:
        assert tx.ledger.untallied(9) == []
        assert tx.outbox.claim(NOON, NOON, 9) == []
        assert tx.ledger.append(event())


def test_nobody_sees_work_before_it_is_committed(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    other = opened()
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        with other.read(TEAM) as reader:
            assert reader.articles.count() == 0
    with other.read(TEAM) as reader:
        assert reader.articles.count() == 1


def test_a_reader_sees_one_moment_only(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    with opened().read(TEAM) as reader:
        assert reader.articles.count() == 0
        with store.begin(TEAM) as tx:
            tx.articles.add([article()])
        assert reader.articles.count() == 0


def test_a_reader_cannot_write(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="cannot be written"), store.read(TEAM) as tx:
        tx.articles.add([article()])
    with store.begin(TEAM) as tx:
        assert tx.articles.add([article()]) == 1


def test_reading_then_writing_by_many_threads_loses_nothing(store: SqlStore) -> None:
    threads, times = 8, 15
    assert count_together([store] * threads, times) == threads * times


def test_threads_that_append_the_same_events_count_each_once(store: SqlStore) -> None:
    def append_all(_: int) -> int:
        new = 0
        for number in range(40):
            with store.begin(TEAM) as tx:
                new += tx.ledger.append(event(f"e{number}", ts=f"{number % 7}.0"))
        return new

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(append_all, range(6))) == 40


def test_two_claimants_never_get_the_same_delivery(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery(f"o{number}") for number in range(60)])
    stores = [opened() for _ in range(4)]

    def claim_all(one: SqlStore) -> list[str]:
        mine: list[str] = []
        while True:
            with one.begin(TEAM) as tx:
                claimed = tx.outbox.claim(NOON, NOON.replace(year=2030), 3)
            if not claimed:
                return mine
            mine.extend(delivery.id for delivery in claimed)

    with ThreadPoolExecutor(4) as pool:
        claimed = [key for mine in pool.map(claim_all, stores) for key in mine]
    assert sorted(claimed) == sorted(f"o{number}" for number in range(60))


def test_one_of_many_takes_a_lease(store: SqlStore, opened: Callable[[], SqlStore]) -> None:
    stores = [store, *(opened() for _ in range(5))]
    start = threading.Barrier(len(stores))

    def take(number: int) -> bool:
        start.wait()
        with stores[number].begin(TEAM) as tx:
            return tx.leases.take("scheduler", f"process {number}", NOON.replace(year=2030), NOON)

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sum(pool.map(take, range(len(stores)))) == 1


def test_a_transaction_that_has_to_wait_too_long_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    first, second = open_store(url), open_store(url)
    with first.begin(TEAM) as tx:
        tx.ledger.append(event())
        with pytest.raises(StoreBusyError, match="Try again"), second.begin(TEAM):
            pass
    with second.begin(TEAM) as tx:
        assert not tx.ledger.append(event())
    first.close()
    second.close()


def test_a_transaction_inside_another_is_refused_instead_of_waiting_for_ever(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    store = open_store(sqlite_url)
    with store.begin(TEAM), pytest.raises(StoreBusyError, match="still open"), store.begin(TEAM):
        pass
    store.close()


def test_workspaces_do_not_wait_for_each_other_on_postgresql(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    store = open_store(postgresql_url)
    with store.begin("T1") as first, store.begin("T2") as second:
        assert first.ledger.append(event())
        assert second.ledger.append(event())
    store.close()


def test_a_full_disk_is_told_and_loses_nothing_that_was_there(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    with store.begin(TEAM) as tx:
        tx.articles.add([article("before")])
    with store._database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreError, match=r"the disk is full.*Free some space"), store.begin(TEAM) as tx:
        tx.articles.add([article("too much", text="x" * 100_000)])
    with store.begin(TEAM) as tx:
        assert tx.articles.get(["before", "too much"]).keys() == {"before"}
    store.close()


def test_a_file_that_cannot_be_written_is_told(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    store = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="cannot be written"), store.begin(TEAM) as tx:
        tx.articles.add([article()])
    store.close()


def test_a_file_that_cannot_be_written_is_not_ready(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    store = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert store.trouble() == "the database cannot be written"
    store.close()


def test_a_store_that_was_closed_opens_again(store: SqlStore) -> None:
    store.close()
    with store.begin(TEAM) as tx:
        assert tx.articles.add([article()]) == 1


def test_a_server_that_went_away_and_came_back_is_found_again(postgresql_url: str) -> None:
    store, other = open_store(postgresql_url), open_store(postgresql_url)
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
    with other._database.engine.connect() as connection:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))  # noqa: S608
    with store.read(TEAM) as tx:
        assert tx.articles.count() == 1
    store.close()
    other.close()
