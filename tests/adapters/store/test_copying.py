"""A database copied into an empty one, of either kind: every row, and numbers that go on."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.support.logged import NOON, TEAM, exported, log_store
from tierbot.adapters.store import open_store
from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.copying import copy_database
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.work_rows import LeaseRow
from tierbot.domain.nouns import ReactionEvent


def event(number: int) -> ReactionEvent:
    return ReactionEvent(f"Ev{number}", "C1", "1.0", "U1", "pizza", True, NOON, NOON)


@pytest.fixture
def full(tmp_path) -> str:
    """Return the address of a database that holds something of most kinds."""
    url = f"sqlite:///{tmp_path}/full.db"
    log_store(20, url=url).close()
    store = open_store(url)
    with store.begin(TEAM) as tx:
        for number in range(3):
            tx.ledger.append(event(number))
        tx.workspaces.audit("UADA", "pause", False, True, NOON)
        tx.leases.take("scheduler", "me", NOON, NOON - timedelta(minutes=1))
    store.close()
    return url


def rows_of(url: str) -> dict[str, list[tuple]]:
    store = open_store(url)
    with store._database.read() as connection:
        found = {
            one.name: sorted(map(repr, connection.execute(select(one)).all()))
            for one in Row.metadata.sorted_tables
            if one is not table(LeaseRow)
        }
    store.close()
    return found


def test_every_row_arrives_and_numbering_goes_on(full: str, blank_url: str, tmp_path) -> None:
    copied = copy_database(full, blank_url, NOON)
    before, after = rows_of(full), rows_of(blank_url)
    assert after == before
    assert copied == sum(map(len, before.values())) > 200
    store = open_store(blank_url)
    with store.begin(TEAM) as tx:
        assert not tx.ledger.append(event(2))
        assert tx.ledger.append(event(3))
        assert tx.ledger.cursor("C1", "1.0") > 3
        assert tx.leases.get("scheduler") is None
    exported(store, "jsonl", tmp_path / "copy.jsonl")
    store.close()
    original = open_store(full)
    exported(original, "jsonl", tmp_path / "full.jsonl")
    original.close()
    assert (tmp_path / "copy.jsonl").read_bytes() == (tmp_path / "full.jsonl").read_bytes()


def test_a_target_that_holds_something_is_left_as_it_is(full: str, blank_url: str) -> None:
    copy_database(full, blank_url, NOON)
    with pytest.raises(StoreError, match="is not empty"):
        copy_database(full, blank_url, NOON)
    assert rows_of(blank_url) == rows_of(full)


def test_a_database_that_a_bot_works_in_is_not_copied(full: str, blank_sqlite: str) -> None:
    with pytest.raises(StoreError, match="me is using it"):
        copy_database(full, blank_sqlite, NOON - timedelta(seconds=1))
    assert not any(rows_of(blank_sqlite).values())


def test_a_missing_database_is_not_copied(tmp_path, blank_sqlite: str) -> None:
    with pytest.raises(StoreError, match="no database"):
        copy_database(f"sqlite:///{tmp_path}/missing.db", blank_sqlite, NOON)
