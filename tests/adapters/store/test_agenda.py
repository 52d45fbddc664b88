"""Jobs and leases: a restart neither forgets nor repeats, and one process at a time holds a lease."""

from dataclasses import replace

import pytest

from tests.support.rows import MINUTE, NOON, TEAM
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.jobs.fencing import Claim, ClaimLostError, under
from tierbot.use_cases.ports import DueJob, Job, Workspace

PUSH = Job.request("push", "trigger 1", NOON, "U1", count=20)


def make(store: SqlStore, *teams: str) -> None:
    for team in teams:
        with store.begin(team) as tx:
            tx.workspaces.put(Workspace(team, team, NOON))


def test_a_recurring_job_is_one_row_and_planning_it_forgets_what_failed_and_what_was_left(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.agenda.get("push") is None
        tx.agenda.plan("push", NOON + MINUTE)
        tx.agenda.plan("settle", NOON)
        failed = Job("push", "push", NOON, {"count": 3}, ran_at=NOON, attempts=2, error="no room", claimed_by="run")
        tx.agenda.put(failed)
        assert tx.agenda.get("push") == failed
        tx.agenda.plan("push", NOON + 2 * MINUTE)
        again = Job("push", "push", NOON + 2 * MINUTE, ran_at=NOON, claimed_by="run")
        assert tx.agenda.all() == [Job.recurring("settle", NOON), again]
        tx.agenda.remove("settle")
        assert tx.agenda.all() == [again]


def test_each_request_is_a_row_and_asked_twice_it_is_one(store: SqlStore) -> None:
    other = Job.request("push", "trigger 2", NOON, "U1", count=5)
    with store.begin(TEAM) as tx:
        assert [tx.agenda.ask(one) for one in (PUSH, other, PUSH)] == [True, True, False]
        assert tx.agenda.all() == [PUSH, other]
        tx.agenda.left("trigger 1", {"count": 7})
        assert not tx.agenda.ask(PUSH)
        assert tx.agenda.get("trigger 1") == replace(PUSH, payload={"count": 7})
        tx.agenda.put(replace(PUSH, finished_at=NOON))
        assert tx.agenda.all() == [other]
        assert not tx.agenda.ask(PUSH), "a copy that comes late finds it done"
        tx.agenda.clear(NOON)
        assert tx.agenda.get("trigger 1") is not None
        tx.agenda.clear(NOON + MINUTE)
        assert tx.agenda.all() == [other]
        assert tx.agenda.get("trigger 1") is None


def test_a_job_is_claimed_when_it_is_due_and_by_its_last_claimer_held(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.agenda.plan("poll", NOON + MINUTE)
        assert tx.agenda.claim("poll", "one", NOON) is None, "it is not due"
        assert tx.agenda.claim("none", "one", NOON) is None
        claimed = tx.agenda.claim("poll", "one", NOON + MINUTE)
        assert claimed == replace(Job.recurring("poll", NOON + MINUTE), claimed_by="one")
        assert tx.agenda.holds("poll", "one")
        assert tx.agenda.claim("poll", "two", NOON + MINUTE) is not None
        assert not tx.agenda.holds("poll", "one")
        tx.agenda.put(replace(PUSH, finished_at=NOON))
        assert tx.agenda.claim("trigger 1", "one", NOON + MINUTE) is None, "it is done"


def test_a_run_that_lost_its_claim_writes_nothing_more_and_others_write_on(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.agenda.plan("poll", NOON)
        tx.agenda.claim("poll", "starved", NOON)
    with under(Claim(TEAM, "poll", "starved")):
        with store.begin(TEAM) as tx:
            tx.leases.take("written by", "starved", NOON + MINUTE, NOON)
        with store.begin(TEAM) as tx:  # another process
            tx.agenda.claim("poll", "heir", NOON)
        with pytest.raises(ClaimLostError, match="no longer holds poll in T1"), store.begin(TEAM) as tx:
            tx.leases.take("written by", "nobody", NOON + MINUTE, NOON)
        with store.begin("T2") as tx:
            assert tx.leases.take("other", "starved", NOON + MINUTE, NOON), "the claim is about one workspace"
    with store.begin(TEAM) as tx:
        assert tx.leases.get("written by") == ("starved", NOON + MINUTE)


def test_what_is_due_is_listed_for_all_workspaces_without_reading_what_it_holds(store: SqlStore) -> None:
    make(store, "T1", "T2")
    with store.begin("T1") as tx:
        tx.agenda.ask(PUSH)
        tx.agenda.plan("poll", NOON + MINUTE)
        tx.agenda.ask(replace(PUSH, id="done", finished_at=NOON))
    with store.begin("T2") as tx:
        tx.agenda.plan("poll", NOON - MINUTE)
        tx.workspaces.put(Workspace("T2", "T2", NOON, stopped_at=NOON))
    with store.begin("T9") as tx:
        tx.agenda.plan("poll", NOON)  # of a workspace that is not there
    with store._database.write(TEAM) as connection:
        connection.exec_driver_sql("UPDATE job SET payload = '{}' WHERE id = 'poll'")
        if connection.dialect.name == "sqlite":  # PostgreSQL takes no broken JSON
            connection.exec_driver_sql("UPDATE job SET payload = '{\"broken' WHERE id = 'trigger 1'")
    assert store.due_jobs(NOON) == [DueJob("T2", "poll", "poll", True), DueJob("T1", "trigger 1", "push", False)]


def test_what_is_due_comes_by_time_and_then_by_workspace_and_id(store: SqlStore) -> None:
    make(store, "T2", "T1")
    for team, job_id, due_at in (
        ("T2", "a", NOON),
        ("T2", "0", NOON),
        ("T1", "c", NOON),
        ("T1", "b", NOON),
        ("T2", "z", NOON - MINUTE),
    ):
        with store.begin(team) as tx:
            tx.agenda.ask(Job.request("push", job_id, due_at))
    found = [(due.workspace, due.id) for due in store.due_jobs(NOON)]
    assert found == [("T2", "z"), ("T1", "b"), ("T1", "c"), ("T2", "0"), ("T2", "a")]


def test_where_somebody_holds_another_lease_they_do_not_hold_this_one(store: SqlStore) -> None:
    make(store, "T1", "T2")
    with store.begin("T2") as tx:
        tx.leases.take("scheduler", "other", NOON + MINUTE, NOON)
        tx.leases.take("another", "me", NOON + MINUTE, NOON)
    assert store.hold("scheduler", "me", NOON + MINUTE, NOON) == ["T1"]


def test_a_lease_is_taken_in_all_workspaces_at_once_where_nobody_has_it(store: SqlStore) -> None:
    make(store, "T1", "T2", "T3")
    with store.begin("T2") as tx:
        tx.leases.take("scheduler", "other", NOON + MINUTE, NOON)
    assert store.hold("scheduler", "me", NOON + MINUTE, NOON) == ["T1", "T3"]
    assert store.hold("scheduler", "other", NOON + 2 * MINUTE, NOON) == ["T2"]
    assert store.hold("scheduler", "me", NOON + 3 * MINUTE, NOON + MINUTE) == ["T1", "T3"]
    assert store.hold("scheduler", "me", NOON + 4 * MINUTE, NOON + 2 * MINUTE) == ["T1", "T2", "T3"]
    assert store.hold("scheduler", "other", NOON + 9 * MINUTE, NOON + 2 * MINUTE) == []
    with store.begin("T1") as tx:
        assert tx.leases.get("scheduler") == ("me", NOON + 4 * MINUTE)
        tx.leases.take("another", "me", NOON + MINUTE, NOON)
    store.let_go("scheduler", "other", NOON + 3 * MINUTE)
    with store.begin("T1") as tx:
        assert tx.leases.get("scheduler") == ("me", NOON + 4 * MINUTE)
    store.let_go("scheduler", "me", NOON + 3 * MINUTE)
    with store.begin("T1") as tx:
        assert tx.leases.get("scheduler") == ("me", NOON + 3 * MINUTE), "it says when a process last ran"
        assert tx.leases.get("another") == ("me", NOON + MINUTE)
    assert store.hold("scheduler", "other", NOON + 9 * MINUTE, NOON + 3 * MINUTE) == ["T1", "T2", "T3"]


def test_a_lease_is_renewed_while_a_workspaces_transaction_is_open(store: SqlStore) -> None:
    if store._database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    make(store, "T1")
    store.hold("scheduler", "me", NOON + MINUTE, NOON)
    with store.begin("T1") as tx:
        tx.agenda.plan("poll", NOON)
        assert store.hold("scheduler", "me", NOON + 2 * MINUTE, NOON) == ["T1"]


def test_a_lease_is_held_by_one_and_prolonged_by_its_holder_only(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        assert not tx.leases.take("scheduler", "two", NOON + 9 * MINUTE, NOON)
        assert tx.leases.take("scheduler", "one", NOON + 2 * MINUTE, NOON + MINUTE)
        assert not tx.leases.take("scheduler", "two", NOON + 9 * MINUTE, NOON + MINUTE)
        assert tx.leases.take("another", "two", NOON + MINUTE, NOON)


def test_a_lease_survives_its_holders_death(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.leases.take("scheduler", "dead", NOON + MINUTE, NOON)
        assert tx.leases.take("scheduler", "heir", NOON + 9 * MINUTE, NOON + MINUTE)
        assert not tx.leases.take("scheduler", "dead", NOON + 9 * MINUTE, NOON + MINUTE)


def test_a_lease_can_be_ended_before_its_time(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        tx.leases.end("another", NOON)
        assert not tx.leases.take("scheduler", "two", NOON + MINUTE, NOON)
        tx.leases.end("scheduler", NOON)
        assert tx.leases.take("scheduler", "two", NOON + MINUTE, NOON)


def test_who_took_a_lease_is_told_also_after_it_ended(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.leases.get("scheduler") is None
        tx.leases.take("scheduler", "one", NOON + MINUTE, NOON)
        assert tx.leases.get("scheduler") == ("one", NOON + MINUTE)
        assert tx.leases.get("another") is None
        tx.leases.end("scheduler", NOON)
        assert tx.leases.get("scheduler") == ("one", NOON)


def test_leases_with_a_prefix_are_cleared_when_they_have_run_out(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for name, until in (("a_b 1", NOON), ("a_b 2", NOON + MINUTE), ("axb 1", NOON), ("b a_b", NOON)):
            tx.leases.take(name, "me", until, NOON - MINUTE)
        tx.leases.clear("a_b", NOON)
        assert [tx.leases.get(name) is not None for name in ("a_b 1", "a_b 2", "axb 1", "b a_b")] == [
            False,
            True,
            True,
            True,
        ]
