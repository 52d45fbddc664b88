"""The scheduler's bounds and reports, with monotonic time that a test sets, and no threads."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness
from tests.support.fakes import KeptFigures
from tierbot import logs
from tierbot.use_cases.jobs import scheduler as module
from tierbot.use_cases.jobs.scheduler import JobKind, Scheduler, backoff, every
from tierbot.use_cases.ports import SCHEDULER_LEASE, Again, DueJob, Job

HOUR = timedelta(hours=1)
LEASE = SCHEDULER_LEASE.total_seconds()


class Watch:
    """Monotonic time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(module, "time", watch)
    return watch


def scheduler(harness: Harness, **kinds: JobKind) -> Any:
    return Scheduler(harness.bot.store, harness.clock, kinds)


def nothing(*_: object) -> None:
    return None


def test_a_failed_job_waits_twice_as_long_each_time_and_six_hours_at_most() -> None:
    waits = [backoff(attempts) / timedelta(minutes=1) for attempts in range(9)]
    assert waits == [5, 5, 10, 20, 40, 80, 160, 320, 360]
    assert backoff(10**6) == timedelta(hours=6)


def test_a_schedule_is_in_trouble_after_a_leases_time_without_a_tick_and_dead_after_two_minutes(
    harness: Harness, watch: Watch
) -> None:
    one = scheduler(harness)
    assert (one.trouble(), one.dead()) == ("the schedule has not started", None)
    one.tick()
    for seconds, trouble, dead in (
        (LEASE, False, False),
        (LEASE + 1, True, False),
        (120, True, False),
        (121, True, True),
    ):
        watch.now = 1000.0 + seconds
        said = f"the schedule has not ticked for {seconds:.0f} s"
        assert one.trouble() == (said if trouble else None)
        assert one.dead() == (said if dead else None)
    one.tick()
    assert one.trouble() is None
    one._clock_wrong = "the clock is wrong"
    assert one.trouble() == "the clock is wrong"


def test_a_run_is_stuck_when_its_kinds_patience_is_over(harness: Harness, watch: Watch) -> None:
    one = scheduler(harness, quick=JobKind(nothing), slow=JobKind(nothing, patience=6 * HOUR))
    one._running = {("T1", "a"): ("slow", watch.now), ("T2", "b"): ("quick", watch.now)}
    for minutes, said in ((15, None), (16, "quick in T2 has been running for 16 min")):
        watch.now = 1000.0 + minutes * 60
        one._ticked_at = watch.now
        assert one.trouble() == said
    del one._running["T2", "b"]
    watch.now = 1000.0 + 361 * 60
    one._ticked_at = watch.now
    assert one.trouble() == "slow in T1 has been running for 361 min"


def test_apscheduler_is_told_to_tick_when_it_is_late_and_not_while_it_stops(harness: Harness, watch: Watch) -> None:
    told: list[tuple[str, object]] = []
    one = scheduler(harness)
    one._ticker = SimpleNamespace(modify_job=lambda name, next_run_time: told.append((name, next_run_time.tzinfo)))
    one._keep_ticking()
    watch.now = 9000.0
    one._ticked_at = watch.now
    for seconds, times in ((4.0, 0), (4.1, 1)):
        watch.now = 9000.0 + seconds
        one._keep_ticking()
        assert told == [("tick", module.UTC)] * times
    one._stopping.set()
    one._keep_ticking()
    assert len(told) == 1


def test_the_leases_thread_has_a_name_that_operators_know_and_keeps_no_process_alive(harness: Harness) -> None:
    thread = scheduler(harness)._renewer
    assert (thread.name, thread.daemon) == ("tierbot-lease", True)


def test_the_lease_is_renewed_every_three_seconds_until_the_end(
    harness: Harness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, waits, renewed = scheduler(harness), [], []
    monkeypatch.setattr(one, "renew", lambda: renewed.append(watch.now))
    monkeypatch.setattr(
        one._stopped, "wait", lambda seconds: waits.append(seconds) or len(waits) < 3 or one._stopped.set()
    )
    one._renew_on()
    assert (waits, len(renewed)) == ([3.0] * 3, 3)
    one._stopped.clear()
    one._ticked_at = -1e6
    waits.clear()
    one._renew_on()
    assert len(renewed) == 3, "a stalled process holds no lease"


@pytest.mark.parametrize("days", [-3, 0, 3])
def test_the_next_tick_is_a_second_away_wherever_the_clock_was(days: int) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    before = now + timedelta(days=days)
    assert module._EveryTick().get_next_fire_time(before, now) == now + timedelta(seconds=1)


def due(job_id: str = "a", kind: str = "plain", team: str = "T1") -> DueJob:
    return DueJob(team, job_id, kind, False)


def test_a_job_waits_for_its_kind_for_a_heavy_one_and_for_a_free_thread(harness: Harness, watch: Watch) -> None:
    one = scheduler(harness, plain=JobKind(nothing), heavy=JobKind(nothing, heavy=True), other=JobKind(nothing))

    def waits(what: DueJob, *running: tuple[str, str, str]) -> bool:
        one._running = {(team, job_id): (kind, watch.now) for team, job_id, kind in running}
        found = one._must_wait(what, one._kinds[what.kind])
        assert isinstance(found, bool)
        return found

    assert not waits(due())
    assert waits(due(), ("T1", "b", "plain"))
    assert not waits(due(), ("T2", "b", "plain"))
    assert not waits(due(), ("T1", "b", "heavy"))
    assert waits(due("h", "heavy"), ("T2", "b", "heavy"))
    assert not waits(due("h", "heavy"), ("T2", "b", "plain"))
    assert not waits(due(), *(("T1", str(n), "other") for n in range(3)))
    assert waits(due(), *(("T1", str(n), "other") for n in range(4)))
    assert not waits(due(), *((f"W{n}", "b", "other") for n in range(127)))
    assert waits(due(), *((f"W{n}", "b", "other") for n in range(128)))
    one._resting["T1", "a"] = watch.now + 1
    assert waits(due())
    assert not waits(due("b"))
    watch.now += 1
    assert not waits(due())


def started(one: Any, monkeypatch: pytest.MonkeyPatch, *jobs: DueJob) -> list[tuple[str, tuple[str, str], bool]]:
    """Tick with so much due; return the threads that were started."""
    found: list[tuple[str, tuple[str, str], bool]] = []

    def thread(*, target: object, args: tuple[str, str], name: str, daemon: bool) -> SimpleNamespace:
        assert target == one._run_and_leave
        return SimpleNamespace(start=lambda: found.append((name, args, daemon)))

    monkeypatch.setattr(one._store, "due_jobs", lambda _: list(jobs))
    monkeypatch.setattr(module, "threading", SimpleNamespace(Thread=thread))
    one.tick()
    return found


def test_a_tick_begins_what_is_known_in_workspaces_that_it_leads(
    harness: Harness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = scheduler(harness, plain=JobKind(nothing), always=JobKind(nothing, also_stopped=True))
    one.leads = frozenset({"T1", "T3"})
    jobs = (
        DueJob("T1", "x", "unknown", False),
        DueJob("T2", "a", "plain", False),
        DueJob("T3", "a", "plain", True),
        DueJob("T3", "b", "always", True),
        DueJob("T1", "a", "plain", False),
        DueJob("T1", "b", "plain", False),
        DueJob("T1", "c", "always", False),
    )
    begun = started(one, monkeypatch, *jobs)
    assert begun == [
        ("tierbot-always-T3", ("T3", "b"), True),
        ("tierbot-plain-T1", ("T1", "a"), True),
        ("tierbot-always-T1", ("T1", "c"), True),
    ]
    assert one._running == {
        ("T3", "b"): ("always", watch.now),
        ("T1", "a"): ("plain", watch.now),
        ("T1", "c"): ("always", watch.now),
    }
    one._running.clear()
    one._stopping.set()
    assert started(one, monkeypatch, *jobs) == []


def test_a_tick_that_is_under_way_begins_nothing_once_the_schedule_stops(
    harness: Harness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = scheduler(harness, plain=JobKind(nothing))
    one.leads, waited = frozenset({"T1"}), list[bool]()
    one._ticker = SimpleNamespace(shutdown=lambda *, wait: waited.append(wait))
    one._renewer = SimpleNamespace(join=lambda _: None)
    assert one.stop()
    assert waited == [False], "a tick that hangs must not outlast the grace"
    assert started(one, monkeypatch, due()) == []


def test_a_process_on_standby_says_so_and_the_one_that_leads_does_not(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    leads, waits = scheduler(harness), scheduler(harness)

    def said(after: float) -> int:
        """Let both renew after so many seconds; return how often the second one warned since then."""
        harness.clock.advance(seconds=after)
        leads.renew()
        assert caplog.messages == []
        waits.renew()
        told = len(caplog.messages)
        caplog.clear()
        return told

    assert [said(after) for after in (0, LEASE, 1, 1)] == [0, 0, 1, 0]
    harness.clock.advance(seconds=LEASE + 1)
    waits.renew()
    assert waits.leads, "it takes over"
    assert [said(after) for after in (LEASE + 1, LEASE, 1, 1)] == [0, 0, 1, 0], "and is on standby again"


def test_the_lease_is_released_after_its_thread_has_ended_or_the_grace_is_over(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, order = scheduler(harness), list[object]()
    one._ticker = SimpleNamespace(shutdown=lambda *, wait: wait)
    one._renewer = SimpleNamespace(join=order.append)
    monkeypatch.setattr(one._store, "let_go", lambda *_: order.append("released"))
    assert one.stop(grace=3.0)
    assert order == [3.0, "released"]


def test_a_run_leaves_its_place_whatever_happens(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = scheduler(harness), []
    one._running["T1", "a"] = "plain", 0.0

    def run(*place: str) -> None:
        seen.append((place, dict(one._running)))
        raise KeyboardInterrupt

    monkeypatch.setattr(one, "run", run)
    with pytest.raises(KeyboardInterrupt):
        one._run_and_leave("T1", "a")
    assert seen == [(("T1", "a"), {("T1", "a"): ("plain", 0.0)})]
    assert one._running == {}
    with pytest.raises(KeyboardInterrupt):  # nothing is there to leave
        one._run_and_leave("T1", "a")


@pytest.fixture
def one(harness: Harness) -> Any:
    """Return the only process on this database."""
    made = scheduler(
        harness,
        fails=JobKind(lambda *_: 1 / 0, every(HOUR)),  # type: ignore[arg-type, return-value]
        well=JobKind(nothing, every(HOUR)),
        asked=JobKind(nothing),
        trains=JobKind(nothing, every(HOUR), restarts=True),
    )
    made.renew()
    return made


def plan(harness: Harness, *jobs: Job) -> None:
    with harness.bot.store.begin(WORKSPACE) as tx:
        for job in jobs:
            tx.agenda.put(job)


def test_a_job_whose_row_cannot_be_written_is_left_alone_for_a_minute(
    harness: Harness, one: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plan(harness, Job.recurring("well", harness.clock.now()))

    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(one, "_do", broken)
    one.run(WORKSPACE, "well")
    assert one._resting == {(WORKSPACE, "well"): 1060.0}
    assert caplog.messages == [f"well in {WORKSPACE} cannot be read or written; retrying in 60 s."]


def test_what_is_logged_during_a_run_names_its_job_and_eight_characters_of_the_run(harness: Harness, one: Any) -> None:
    ids: list[dict[str, str]] = []
    one._kinds["asked"] = JobKind(lambda *_: ids.append(dict(logs._bound.get())))
    plan(harness, Job.request("asked", "by hand", harness.clock.now()))
    one.run(WORKSPACE, "by hand")
    (seen,) = ids
    assert (seen["workspace"], seen["job"]) == (WORKSPACE, "asked")
    assert len(seen["run"]) == len(seen["run"].strip("/")) == 8


def test_a_retry_keeps_five_hundred_characters_of_the_error(
    harness: Harness, one: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one._kinds["fails"] = JobKind(lambda *_: (_ for _ in ()).throw(ValueError("x" * 900)), every(HOUR))
    plan(harness, Job.recurring("fails", harness.clock.now()))
    one.run(WORKSPACE, "fails")
    job = harness.job("fails")
    assert job.error == f"ValueError: {'x' * 488}"
    assert (job.attempts, job.due_at) == (1, harness.clock.now() + timedelta(minutes=5))
    assert caplog.messages == ["fails failed; retrying in 0:05:00."]


def test_a_run_that_went_well_is_due_again_a_period_later_and_forgets_what_failed(harness: Harness, one: Any) -> None:
    now = harness.clock.now()
    plan(harness, Job("well", "well", now, {"left": 1}, attempts=3, error="no room"))
    one.run(WORKSPACE, "well")
    job = harness.job("well")
    assert (job.due_at, job.ran_at, dict(job.payload), job.attempts, job.error) == (now + HOUR, now, {}, 0, None)


@pytest.mark.parametrize("again", [True, False])
def test_a_run_during_which_the_job_was_planned_anew_leaves_its_new_time(
    harness: Harness, one: Any, again: bool
) -> None:
    now = harness.clock.now()

    def work(workspace: str, _: Job) -> Again | None:
        with harness.bot.store.begin(workspace) as tx:
            tx.agenda.plan("well", now + timedelta(seconds=9))
        return Again(now + 2 * HOUR, {"from": 3}) if again else None

    one._kinds["well"] = JobKind(work, every(HOUR))
    plan(harness, Job("well", "well", now, attempts=1, error="no room"))
    one.run(WORKSPACE, "well")
    job = harness.job("well")
    assert (job.due_at, job.ran_at) == (now + timedelta(seconds=9), None if again else now)
    assert (job.attempts, job.error) == (0, None)


def test_what_is_asked_for_ends_and_counts_as_a_run_of_a_kind_that_restarts(harness: Harness, one: Any) -> None:
    now = harness.clock.now()
    failing = Job("trains", "trains", now + timedelta(minutes=7), attempts=2, error="no room")
    plan(harness, failing, Job.request("trains", "by hand", now), Job.request("asked", "once", now))
    plan(harness, Job.recurring("asked", now + HOUR))
    for job_id in ("by hand", "once"):
        one.run(WORKSPACE, job_id)
        assert harness.job(job_id).finished_at == now
    job = harness.job("trains")
    assert (job.due_at, job.ran_at, job.attempts, job.error) == (now + HOUR, now, 0, None)
    assert harness.job("asked") == Job.recurring("asked", now + HOUR), "it does not restart"


def test_a_run_is_timed_by_its_kind(harness: Harness, one: Any, watch: Watch) -> None:
    taken: list[tuple[str, float, bool]] = []
    meter = KeptFigures()
    meter.worked = lambda work, seconds, *, failed: taken.append((work, seconds, failed))  # type: ignore[method-assign]
    one._meter = meter

    def work(*_: object) -> None:
        watch.now += 2.5

    one._kinds["well"] = JobKind(work, every(HOUR))
    plan(harness, Job.recurring("well", harness.clock.now()), Job.recurring("fails", harness.clock.now()))
    one.run(WORKSPACE, "well")
    one.run(WORKSPACE, "fails")
    assert taken == [("well", 2.5, False), ("fails", 0.0, True)]


def test_who_has_no_lease_or_one_that_ran_out_claims_nothing(harness: Harness, one: Any) -> None:
    done: list[str] = []
    one._kinds["well"] = JobKind(lambda *_: done.append("well"), every(HOUR))
    stranger = scheduler(harness, well=one._kinds["well"])
    plan(harness, Job.recurring("well", harness.clock.now()))
    stranger.run(WORKSPACE, "well")
    harness.clock.advance(seconds=LEASE)
    one.run(WORKSPACE, "well")
    assert done == []
    harness.clock.advance(seconds=-0.001)
    one.run(WORKSPACE, "well")
    assert done == ["well"]
