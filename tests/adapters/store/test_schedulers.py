"""Schedulers on one database, as several processes: each job is done once, and nobody waits for anybody's slow work."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.fakes import KeptFigures, ManualClock
from tests.support.rows import NOON, TEAM
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.jobs.fencing import ClaimLostError
from tierbot.use_cases.jobs.scheduler import JobKind, Scheduler, every
from tierbot.use_cases.ports import SCHEDULER_LEASE, Again, Job, Workspace

HOUR = timedelta(hours=1)


class Held:
    """A job that begins and goes on when told; it writes where `store` is, before and after."""

    def __init__(self, store: SqlStore | None = None) -> None:
        self.store = store
        self.began: list[str] = []
        self.wrote: list[str] = []
        self.refused: list[str] = []
        self.go_on = threading.Event()

    def __call__(self, workspace: str, job: Job) -> None:
        self.began.append(workspace)
        assert self.go_on.wait(60)
        if self.store is not None:
            try:
                with self.store.begin(workspace) as tx:
                    tx.agenda.left(job.id, {"written": 1 + job.payload.get("written", 0)})
            except ClaimLostError:
                self.refused.append(workspace)
                raise
            self.wrote.append(workspace)


@dataclass
class House:
    """A database with its clock, and the processes on it."""

    opened: Callable[[], SqlStore]
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))

    def __post_init__(self) -> None:
        self.store = self.opened()

    def teams(self, count: int) -> list[str]:
        names = [f"T{number:02d}" for number in range(count)]
        for name in names:
            with self.store.begin(name) as tx:
                tx.workspaces.put(Workspace(name, name, NOON))
        return names

    def plan(self, kind: str, *teams: str) -> None:
        for team in teams:
            with self.store.begin(team) as tx:
                tx.agenda.plan(kind, self.clock.now())

    def process(self, **kinds: JobKind) -> Scheduler:
        return Scheduler(self.opened(), self.clock, kinds)

    def job(self, team: str, job_id: str) -> Job:
        with self.store.read(team) as tx:
            job = tx.agenda.get(job_id)
        assert job is not None
        return job


@pytest.fixture
def house(opened: Callable[[], SqlStore]) -> House:
    return House(opened)


def ended(*schedulers: Scheduler) -> None:
    wait_until(lambda: not any(one._running for one in schedulers), "the jobs to end")


def test_one_process_does_what_is_due_and_another_takes_over_when_it_dies(house: House) -> None:
    (team,) = house.teams(1)
    did: list[str] = []
    first, second = (
        house.process(count=JobKind(lambda *_, name=name: did.append(name), every(HOUR))) for name in ("1", "2")
    )
    house.plan("count", team)
    for scheduler in (first, second, first):
        scheduler.renew()
        scheduler.tick()
        ended(scheduler)
    assert did == ["1"]
    assert (first.leads, second.leads) == ({team}, set())
    assert (house.job(team, "count").due_at, house.job(team, "count").ran_at) == (NOON + HOUR, NOON)
    house.clock.advance(hours=1)  # the first renews its lease no more
    second.renew()
    for scheduler in (first, second):
        scheduler.tick()
        ended(first, second)
    assert did == ["1", "2"], "the first still believes that it leads, and its claim is refused"


def test_a_job_is_not_begun_when_the_lease_ran_out_after_the_tick(house: House) -> None:
    (team,) = house.teams(1)
    work = Held()
    starved = house.process(slow=JobKind(work))
    house.plan("slow", team)
    starved.renew()
    house.clock.advance(seconds=SCHEDULER_LEASE.total_seconds())
    starved.run(team, "slow")
    assert work.began == []
    assert house.job(team, "slow").claimed_by is None


def test_a_starved_process_that_goes_on_writes_nothing_over_who_took_over(house: House) -> None:
    (team,) = house.teams(1)
    slow, quick = Held(house.opened()), Held(house.opened())
    quick.go_on.set()
    starved, heir = house.process(work=JobKind(slow, every(HOUR))), house.process(work=JobKind(quick, every(HOUR)))
    house.plan("work", team)
    starved.renew()
    starved.tick()
    wait_until(lambda: slow.began, "the first run")
    house.clock.advance(minutes=1)
    heir.renew()
    heir.tick()
    ended(heir)
    after = house.job(team, "work")
    assert (quick.wrote, after.attempts, after.due_at) == ([team], 0, house.clock.now() + HOUR)
    slow.go_on.set()
    ended(starved)
    assert (slow.wrote, slow.refused) == ([], [team])
    assert house.job(team, "work") == after, "it is neither done again nor put off"


def test_a_process_that_stops_leaves_what_hangs_to_others_and_its_late_writes_are_refused(house: House) -> None:
    (team,) = house.teams(1)
    slow, quick = Held(house.opened()), Held(house.opened())
    quick.go_on.set()
    leaving, staying = house.process(work=JobKind(slow, every(HOUR))), house.process(work=JobKind(quick, every(HOUR)))
    house.plan("work", team)
    leaving.start()
    wait_until(lambda: slow.began, "the job")
    staying.renew()
    assert staying.leads == set()
    assert not leaving.stop(grace=0.1)
    staying.renew()
    staying.tick()
    ended(staying)
    assert quick.wrote == [team]
    slow.go_on.set()
    ended(leaving)
    assert slow.refused == [team]


def test_slow_jobs_of_forty_workspaces_keep_nobody_waiting(house: House) -> None:
    teams = house.teams(41)
    slow, quick = Held(), Held()
    quick.go_on.set()
    kinds = {f"slow {number}": JobKind(slow, every(HOUR)) for number in range(3)}
    scheduler = house.process(**kinds, quick=JobKind(quick, every(HOUR)))
    for kind in kinds:
        house.plan(kind, *teams[:40])
    scheduler.start()
    try:
        wait_until(lambda: len(slow.began) == 120, "all slow jobs to begin")
        house.plan("quick", teams[40], teams[0])
        wait_until(lambda: len(quick.began) == 2, "the quick ones", patience=5)
        assert scheduler.trouble() is None
        house.clock.advance(seconds=10)

        def renewed() -> bool:
            with house.store.read(teams[7]) as tx:
                return tx.leases.get("scheduler")[1] == house.clock.now() + SCHEDULER_LEASE

        wait_until(renewed, "the lease to be renewed", patience=8)
        assert scheduler.leads == set(teams)
    finally:
        slow.go_on.set()
        assert scheduler.stop(grace=60)
    assert sorted(slow.began) == sorted(teams[:40] * 3), "each is done once"


def test_a_kind_is_done_once_at_a_time_in_a_workspace_and_a_heavy_one_in_a_process(house: House) -> None:
    one, two = house.teams(2)
    push, train = Held(), Held()
    scheduler = house.process(push=JobKind(push), train=JobKind(train, heavy=True))
    for number, team in enumerate((one, one, two)):
        with house.store.begin(team) as tx:
            tx.agenda.ask(Job.request("push", f"push {number}", NOON))
            tx.agenda.ask(Job.request("train", f"train {number}", NOON))
    scheduler.renew()
    scheduler.tick()
    scheduler.tick()
    wait_until(lambda: len(push.began) + len(train.began) == 3, "what may begin")
    assert sorted(push.began) == [one, two]
    push.go_on.set()
    train.go_on.set()
    for _ in range(3):
        ended(scheduler)
        scheduler.tick()
    ended(scheduler)
    assert (sorted(push.began), sorted(train.began)) == ([one, one, two], [one, one, two])


def test_a_workspace_has_so_many_threads_and_no_more(house: House) -> None:
    one, two = house.teams(2)
    work = Held()
    kinds = {f"work {number}": JobKind(work) for number in range(9)}
    scheduler = house.process(**kinds)
    for kind in kinds:
        house.plan(kind, one)
    house.plan("work 8", two)
    scheduler.renew()
    scheduler.tick()
    wait_until(lambda: len(work.began) == 5, "what may begin")
    assert sorted(work.began) == [one] * 4 + [two]
    work.go_on.set()
    ended(scheduler)


def test_a_workspace_with_a_damaged_row_keeps_no_other_from_its_jobs(house: House) -> None:
    if house.opened()._database.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL takes no broken JSON")
    teams = house.teams(3)
    did: list[str] = []
    scheduler = house.process(work=JobKind(lambda team, _: did.append(team), every(HOUR)))
    house.plan("work", *teams)
    with house.opened()._database.write(TEAM) as connection:
        connection.exec_driver_sql("UPDATE job SET payload = '{\"broken' WHERE workspace_id = 'T00'")
    scheduler.renew()
    scheduler.tick()
    ended(scheduler)
    assert sorted(did) == teams[1:]
    scheduler.tick()
    assert not scheduler._running, "it is left alone for a while"


def test_a_job_that_fails_waits_longer_each_time_and_one_that_is_planned_anew_meanwhile_does_not(house: House) -> None:
    (team,) = house.teams(1)
    again = []

    def fail(workspace: str, _: Job) -> None:
        if again:
            house.clock.advance(seconds=1)
            house.plan("work", workspace)
        raise ValueError("no room " * 200)

    scheduler = house.process(work=JobKind(fail, every(HOUR)))
    house.plan("work", team)
    for attempt, minutes in enumerate((5, 10, 20), 1):
        scheduler.renew()
        scheduler.run(team, "work")
        job = house.job(team, "work")
        assert (job.attempts, job.due_at) == (attempt, house.clock.now() + timedelta(minutes=minutes))
        assert str(job.error).startswith("ValueError: no room")
        assert len(str(job.error)) <= 500
        house.clock.time = job.due_at
    again.append(True)
    scheduler.renew()
    scheduler.run(team, "work")
    assert (house.job(team, "work").attempts, house.job(team, "work").due_at) == (0, house.clock.now())


def test_a_job_that_is_not_done_yet_goes_on_with_what_is_left(house: House) -> None:
    (team,) = house.teams(1)
    seen: list[object] = []

    def half(_: str, job: Job) -> Again | None:
        seen.append(job.payload)
        return None if job.payload else Again(house.clock.now() + timedelta(seconds=7), {"from": 3})

    scheduler = house.process(work=JobKind(half, every(HOUR)))
    house.plan("work", team)
    scheduler.renew()
    scheduler.run(team, "work")
    job = house.job(team, "work")
    assert (job.due_at, job.payload, job.ran_at) == (NOON + timedelta(seconds=7), {"from": 3}, None)
    house.clock.advance(seconds=7)
    scheduler.run(team, "work")
    assert (seen, house.job(team, "work").payload) == ([{}, {"from": 3}], {})


def test_a_request_that_is_done_stays_for_a_week_so_that_a_copy_of_it_finds_it(house: House) -> None:
    (team,) = house.teams(1)
    scheduler = house.process(work=JobKind(lambda *_: None))

    def ask(name: str) -> bool:
        with house.store.begin(team) as tx:
            return tx.agenda.ask(Job.request("work", name, house.clock.now()))

    def do(name: str) -> None:
        scheduler.renew()
        scheduler.run(team, name)

    assert ask("one")
    do("one")
    house.clock.advance(days=6)
    assert not ask("one")
    assert ask("two")
    do("two")
    house.clock.advance(days=2)
    assert ask("three")
    do("three")
    with house.store.read(team) as tx:
        assert tx.agenda.get("one") is None
        assert tx.agenda.get("two") is not None


def test_a_process_whose_ticks_stopped_renews_its_lease_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.teams(1)
    scheduler = house.process()
    monkeypatch.setattr(scheduler, "_ticked_at", -1e9)
    monkeypatch.setattr(scheduler._stopped, "wait", lambda _: scheduler._stopped.set())
    scheduler._renew_on()
    assert scheduler.leads == set()
    assert str(scheduler.dead()).startswith("the schedule has not ticked for")


def test_a_lease_that_cannot_be_renewed_once_is_renewed_the_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (team,) = house.teams(1)
    scheduler = house.process()
    turns = iter([False, True])
    monkeypatch.setattr(scheduler._stopped, "wait", lambda _: next(turns) and scheduler._stopped.set())
    hold, faults = scheduler._store.hold, [RuntimeError("no room")]

    def fail_once(*arguments: object) -> list[str]:
        if faults:
            raise faults.pop()
        return hold(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scheduler._store, "hold", fail_once)
    scheduler._renew_on()
    assert "could not be renewed" in caplog.text
    assert scheduler.leads == {team}


def test_a_process_beside_another_says_so_once_but_not_while_a_dead_ones_lease_runs_out(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> int:
        return caplog.text.count("Another tierbot process is running the schedule for this database")

    (team,) = house.teams(1)
    first, second, third = (house.process() for _ in range(3))
    for _ in range(4):  # the first one lives
        first.renew()
        second.renew()
        house.clock.advance(seconds=10)
    assert said() == 1
    for _ in range(3):  # now it is gone, and the second one keeps the schedule
        second.renew()
        house.clock.advance(seconds=10)
    assert second.leads == {team}
    for _ in range(3):  # the second one has died
        third.renew()
        house.clock.advance(seconds=6)
    assert said() == 1


def test_a_job_is_timed_when_it_is_done_and_counted_when_it_fails(house: House) -> None:
    (team,) = house.teams(1)
    meter = KeptFigures()
    kinds = {"well": JobKind(lambda *_: None), "badly": JobKind(lambda *_: 1 / 0)}  # type: ignore[dict-item,return-value]
    scheduler = Scheduler(house.store, house.clock, kinds, meter)
    house.plan("well", team)
    house.plan("badly", team)
    scheduler.renew()
    scheduler.run(team, "well")
    scheduler.run(team, "badly")
    assert meter.work == [("well", False), ("badly", True)]


def test_a_job_that_was_taken_off_the_agenda_while_it_ran_stays_off(house: House) -> None:
    (team,) = house.teams(1)

    def remove(workspace: str, job: Job) -> None:
        with house.store.begin(workspace) as tx:
            tx.agenda.remove(job.id)

    scheduler = house.process(work=JobKind(remove, every(HOUR)))
    house.plan("work", team)
    scheduler.renew()
    scheduler.run(team, "work")
    with house.store.read(team) as tx:
        assert tx.agenda.all() == []
