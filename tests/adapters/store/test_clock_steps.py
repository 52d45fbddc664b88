"""A clock that is set back or forward: nothing stands still for that long, and no lease is believed longer than it can be."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.fakes import ManualClock
from tests.support.rows import NOON, TEAM, delivery
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Round
from tierbot.use_cases.jobs.clock_steps import follow_clock
from tierbot.use_cases.jobs.scheduler import JobKind, Scheduler, every
from tierbot.use_cases.ports import SCHEDULER, ClosedChannel, Job, Workspace

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = pytest.mark.parametrize("step", [HOUR, 3 * DAY], ids=["an hour", "three days"])


@pytest.fixture
def store(opened: Callable[[], SqlStore]) -> SqlStore:
    store = opened()
    with store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", NOON))
    return store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def ran(scheduler: Scheduler, did: list[str]) -> list[str]:
    """Do what is due now; return all that was done so far."""
    scheduler.renew()
    scheduler.tick()
    wait_until(lambda: not scheduler._running, "the jobs to end")
    return did


def counting(did: list[str], name: str = "count") -> JobKind:
    return JobKind(lambda *_: did.append(name), every(HOUR))


def plan(store: SqlStore, clock: ManualClock) -> None:
    with store.begin(TEAM) as tx:
        tx.agenda.plan("count", clock.now())


@STEPS
def test_in_a_living_process_a_job_runs_at_its_period_after_the_clock_was_set_back(
    store: SqlStore, clock: ManualClock, step: timedelta
) -> None:
    did: list[str] = []
    scheduler = Scheduler(store, clock, {"count": counting(did)})
    plan(store, clock)
    assert len(ran(scheduler, did)) == 1
    clock.set_back(hours=step.total_seconds() / 3600)
    assert len(ran(scheduler, did)) == 1
    clock.advance(hours=1)
    assert len(ran(scheduler, did)) == 2
    clock.advance(hours=1)
    assert len(ran(scheduler, did)) == 3, "once an hour from then on"


@STEPS
@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "killed"])
def test_between_two_processes_a_job_runs_at_its_period_after_the_clock_was_set_back(
    store: SqlStore, clock: ManualClock, step: timedelta, stopped: bool
) -> None:
    did: list[str] = []
    first = Scheduler(store, clock, {"count": counting(did)})
    plan(store, clock)
    ran(first, did)
    if stopped:
        store.let_go(SCHEDULER, first._holder, clock.now())
    clock.set_back(hours=step.total_seconds() / 3600)
    second = Scheduler(store, clock, {"count": counting(did)})
    assert len(ran(second, did)) == 1
    assert second.leads == {TEAM}, "a lease that lies further ahead than a lease can is nobody's"
    clock.advance(hours=1)
    assert len(ran(second, did)) == 2


@STEPS
def test_a_request_a_retry_and_an_open_round_wait_no_longer_for_the_step(
    store: SqlStore, clock: ManualClock, step: timedelta
) -> None:
    did: list[str] = []

    def fails(_: str, job: Job) -> None:
        did.append(job.kind)
        raise OSError("no network")

    kinds = {"asked": JobKind(lambda _, job: did.append(job.kind)), "retried": JobKind(fails, every(HOUR))}
    scheduler = Scheduler(store, clock, kinds)
    with store.begin(TEAM) as tx:
        tx.agenda.plan("retried", clock.now())
        tx.rounds.open(Round(1, clock.now() + timedelta(seconds=1), clock.now() + 7 * DAY))
    assert ran(scheduler, did) == ["retried"]
    with store.begin(TEAM) as tx:
        tx.agenda.ask(Job.request("asked", "asked by hand", clock.now() + timedelta(seconds=1)))
    clock.set_back(hours=step.total_seconds() / 3600)
    scheduler.renew()
    clock.advance(minutes=6)
    assert sorted(ran(scheduler, did)) == ["asked", "retried", "retried"]
    with store.read(TEAM) as tx:
        current = tx.rounds.current()
    assert current is not None
    assert abs(current.closes_at - clock.now() - 7 * DAY) < timedelta(minutes=10)


@STEPS
def test_deliveries_their_leases_and_pauses_wait_no_longer_for_the_step(
    store: SqlStore, clock: ManualClock, step: timedelta
) -> None:
    scheduler = Scheduler(store, clock, {})
    scheduler.renew()
    now = clock.now()
    with store.begin(TEAM) as tx:
        tx.channels.close(ClosedChannel("C9", "is_archived", now, now + timedelta(minutes=1)))
        tx.outbox.add([delivery("claimed", created_at=now, due_at=now)])
        (claimed,) = tx.outbox.claim(now, now + timedelta(minutes=1), limit=1)
        tx.outbox.add([delivery("waits", created_at=now, due_at=now + timedelta(minutes=10))])
        tx.outbox.hold(claimed.kind, now + timedelta(minutes=2))
    clock.set_back(hours=step.total_seconds() / 3600)
    assert store.due_ids(clock.now()) == []
    scheduler.renew()
    clock.advance(seconds=61)
    with store.begin(TEAM) as tx:
        (again,) = tx.outbox.claim(clock.now(), clock.now() + timedelta(minutes=1), limit=9)
        assert again.id == "claimed"
        assert again.search is not None
        assert again.search.since == now - step, "Slack's clock wasn't set back"
        assert again.search.until == now + timedelta(minutes=1)
    clock.advance(minutes=9)
    with store.begin(TEAM) as tx:
        assert {one.id for one in tx.outbox.claim(clock.now(), clock.now() + HOUR, limit=9)} == {"claimed", "waits"}


def test_only_one_of_several_processes_plans_anew_and_clocks_that_differ_a_little_plan_nothing_anew(
    store: SqlStore, clock: ManualClock, opened: Callable[[], SqlStore], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Scheduler(store, clock, {}), Scheduler(opened(), clock, {})
    first.renew()
    clock.set_back(minutes=1)
    for one in (first, second):
        one.renew()
    assert caplog.messages == [], "another machine's clock may be a minute ahead"
    clock.set_back(hours=1)
    with caplog.at_level(logging.WARNING):
        for one in (second, first, second):
            one.renew()
    assert len(caplog.messages) == 1
    assert "set back by 1:01:00" in caplog.text or "set back by 1:00:00" in caplog.text
    assert (first.leads, second.leads) == (frozenset(), {TEAM})


def test_by_a_clock_of_1970_nothing_is_planned_and_the_process_says_why(store: SqlStore, clock: ManualClock) -> None:
    did: list[str] = []
    scheduler = Scheduler(store, clock, {"count": counting(did)})
    plan(store, clock)
    ran(scheduler, did)
    with store.begin(TEAM) as tx:
        tx.rounds.open(Round(1, clock.now(), clock.now() + 7 * DAY))
    right, clock.time = clock.time, datetime(1970, 1, 1, tzinfo=UTC)
    ran(scheduler, did)
    assert str(scheduler.trouble()).startswith("the clock is 20514 days behind")
    assert scheduler.leads == frozenset()
    clock.time = right + HOUR
    assert len(ran(scheduler, did)) == 2
    assert scheduler.trouble() is None
    with store.read(TEAM) as tx:
        current = tx.rounds.current()
    assert current is not None
    assert current.closes_at == right + 7 * DAY


def test_a_clock_is_followed_sixty_days_back_and_no_further(store: SqlStore, clock: ManualClock) -> None:
    Scheduler(store, clock, {}).renew()
    right = clock.now()
    assert follow_clock(store, {}, right - 60 * DAY - timedelta(seconds=1)) is not None
    assert follow_clock(store, {}, right - 60 * DAY) is None
    assert store.hold(SCHEDULER, "me", right, right - 60 * DAY) == [TEAM], "the old lease has ended"


@pytest.mark.parametrize(("ahead", "days"), [(1, 6), (0, 7), (-1, 7)])
def test_a_round_that_was_opened_by_the_clock_that_was_wrong_ends_sooner_and_another_does_not(
    store: SqlStore, clock: ManualClock, ahead: int, days: int
) -> None:
    Scheduler(store, clock, {}).renew()
    now = clock.now() - DAY
    with store.begin(TEAM) as tx:
        tx.rounds.open(Round(1, now + ahead * HOUR, now + 7 * DAY))
    assert follow_clock(store, {}, now) is None
    with store.read(TEAM) as tx:
        current = tx.rounds.current()
    assert current is not None
    assert current.closes_at == now + days * DAY


def test_clocks_may_differ_by_two_minutes(
    store: SqlStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    Scheduler(store, clock, {}).renew()
    right = clock.now()
    for seconds, told in ((120, 0), (121, 1)):
        assert follow_clock(store, {}, right - timedelta(seconds=seconds)) is None
        assert len(caplog.messages) == told


def test_while_the_clock_is_right_nothing_is_written_and_no_workspace_waits(
    store: SqlStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scheduler(store, clock, {}).renew()
    right = clock.now()
    monkeypatch.setattr(store, "begin", lambda _: pytest.fail("a transaction"))
    for seconds in (-120, 0, 10):
        assert follow_clock(store, {}, right + timedelta(seconds=seconds)) is None


def test_a_workspace_without_a_lease_keeps_its_times(
    store: SqlStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with store.begin(TEAM) as tx:
        tx.agenda.plan("count", clock.now() + 3 * DAY)
        before = tx.agenda.all()
    monkeypatch.setattr(store, "ahead", lambda *_: [TEAM])  # the lease was removed since
    assert follow_clock(store, {}, clock.now()) is None
    with store.read(TEAM) as tx:
        assert tx.agenda.all() == before
    assert caplog.messages == []


@pytest.mark.parametrize("step", [-3 * DAY, 3 * DAY, timedelta(days=20_000)], ids=["back", "forward", "from 1970"])
def test_ticks_go_on_within_seconds_when_the_machines_clock_steps(
    store: SqlStore, clock: ManualClock, step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = timedelta(0)

    class Stepping(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - max(step, timedelta(0)) + began

    ticks: list[float] = []
    monkeypatch.setattr(store, "due_jobs", lambda now: ticks.append(clock.monotonic()) or [])
    for module in ("apscheduler.schedulers.base", "tierbot.use_cases.jobs.scheduler"):
        monkeypatch.setattr(f"{module}.datetime", Stepping)
    scheduler = Scheduler(store, clock, {})
    scheduler.start()
    try:
        wait_until(lambda: len(ticks) >= 1, "the first tick")
        began, seen = step, len(ticks)
        wait_until(lambda: len(ticks) >= seen + 3, "more ticks", 20)
    finally:
        scheduler.stop()
