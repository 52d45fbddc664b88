"""A signed request is handled once, by one process; its record is deleted once the signature has expired."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import text

from tests.conftest import WORKSPACE, build_harness
from tests.support.fakes import ManualClock
from tierbot.adapters.store import open_store
from tierbot.use_cases.jobs.duplicate_requests import GOOD_FOR, first_time


def test_two_processes_on_one_database_obey_a_request_once_and_forget_it_when_it_is_stale(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/bot.db", ManualClock()
    one, other = open_store(url), open_store(url)
    here, there = partial(first_time, one, clock), partial(first_time, other, clock)
    assert here("T1", "v0=a")
    assert not there("T1", "v0=a")
    assert there("T2", "v0=a"), "another workspace's"
    assert there("T1", "v0=b")
    clock.advance(minutes=10)
    assert not here("T1", "v0=a")
    clock.advance(minutes=1)
    assert here("T1", "v0=c")
    with one._database.read() as connection:
        names = connection.execute(text("SELECT name FROM lease WHERE workspace_id = 'T1'")).scalars().all()
    assert names == ["request v0=c"]
    one.close()
    other.close()


def test_other_leases_outlive_the_clearing(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    store, clock = harness.bot.store, harness.clock
    with store.begin(WORKSPACE) as tx:
        tx.leases.take("scheduler", "me", clock.now(), clock.now())
    clock.advance(seconds=GOOD_FOR / timedelta(seconds=1))
    assert first_time(store, clock, WORKSPACE, "v0=a")
    with store.read(WORKSPACE) as tx:
        assert tx.leases.get("scheduler") is not None
    harness.bot.close()
