"""Runs due jobs: APScheduler ticks, due times live in the database, and one process acts on them.

Cron expressions are avoided: APScheduler's skip or repeat an hour when daylight saving time changes, and its stored jobs are
pickles. A tick only queries what is due, so a restart neither forgets nor repeats; domain/rounds/calendar.py handles local
time.

Three kinds of threads keep work from blocking other work: one only renews the lease, one ticks (one query for all
workspaces), and each job has its own.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from tierbot.logs import bound
from tierbot.use_cases.jobs.clock_steps import Next, follow_clock
from tierbot.use_cases.jobs.faults import log_fault
from tierbot.use_cases.jobs.fencing import Claim, ClaimLostError, under
from tierbot.use_cases.ports import (
    SCHEDULER,
    SCHEDULER_LEASE,
    Again,
    Clock,
    DueJob,
    Job,
    Meter,
    NoMeter,
    Store,
    Transaction,
)

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = timedelta(minutes=5), timedelta(hours=6)
"""A failed job is retried after the first; each further failure doubles the wait, up to the last."""

_TICK = timedelta(seconds=1)
_TICKER = "tick"
_LATE = 4.0  # seconds without a tick
_RENEW = 3.0  # seconds between renewals: four may fail before the lease runs out
_STUCK = 120.0  # seconds; a tick is one query, which waits 30 at most
_AT_ONCE = 128  # jobs in this process
AT_ONCE_IN_A_WORKSPACE = 4
_UNREADABLE = 60.0  # seconds until a job is retried whose failure could not be recorded
_KEPT = timedelta(days=7)  # finished requests: copies could arrive until then
_LONGEST_ERROR = 500  # characters

_ANOTHER = (
    "Another tierbot process is running the schedule for this database; this one is on standby. That's expected with "
    "several workers. If you didn't mean to run two, stop one."
)


Work = Callable[[str, Job], Again | None]
"""Does a job in a workspace. An exception means failure; the job is retried later."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind run.

    next: None for kinds that only run on request. heavy: one at a time in a process. also_stopped: also runs where the app
    is not installed. restarts: a finished request counts as a run of the recurring job. patience: after how long a run is
    reported as stuck.
    """

    work: Work
    next: Next | None = None
    heavy: bool = False
    also_stopped: bool = False
    restarts: bool = False
    patience: timedelta = timedelta(minutes=15)


def every(period: timedelta) -> Next:
    """Return a `Next` with a fixed period."""
    return lambda _, now: now + period


class _EveryTick(BaseTrigger):  # type: ignore[misc]
    """Fires one tick after now. APScheduler's interval counts every tick that a clock set forward has skipped."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002
        return now + _TICK


class Scheduler:
    """Runs the jobs of every workspace whose lease this process holds."""

    def __init__(self, store: Store, clock: Clock, kinds: Mapping[str, JobKind], meter: Meter | None = None) -> None:
        """`kinds` are by name."""
        self._store = store
        self._clock = clock
        self._kinds = kinds
        self._meter = meter or NoMeter()
        self._holder = uuid4().hex
        self.leads: frozenset[str] = frozenset()  # workspaces whose lease this process held at its last renewal
        self._refused_since: float | None = None  # by the monotonic clock
        self._clock_wrong: str | None = None
        self._told_of_another = False
        self._ticked_at: float | None = None
        # By workspace and job id: the kind, and since when by the monotonic clock.
        self._running: dict[tuple[str, str], tuple[str, float]] = {}
        self._resting: dict[tuple[str, str], float] = {}  # until when, by the monotonic clock
        self._guard = threading.Condition()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._renewer = threading.Thread(target=self._renew_on, name="tierbot-lease", daemon=True)
        self._ticker = BackgroundScheduler(timezone="UTC")

    def trouble(self) -> str | None:
        """Return in a few words why the schedule is not running in this process, None if it is."""
        if self._ticked_at is None:
            return "the schedule has not started"
        return self._clock_wrong or self._silent(SCHEDULER_LEASE.total_seconds()) or self._stuck()

    def dead(self) -> str | None:
        """Return a reason if the schedule has stalled for so long that only a restart helps, else None."""
        return self._silent(_STUCK)

    def _stuck(self) -> str | None:
        """Return which job has been running for too long, None if none has."""
        now = time.monotonic()
        for (workspace, _), (kind, began) in list(self._running.items()):
            if now - began > self._kinds[kind].patience.total_seconds():
                return f"{kind} in {workspace} has been running for {(now - began) / 60:.0f} min"
        return None

    def _silent(self, patience: float) -> str | None:
        if self._ticked_at is None:
            return None
        silent = time.monotonic() - self._ticked_at
        return f"the schedule has not ticked for {silent:.0f} s" if silent > patience else None

    def start(self) -> None:
        """Start renewing the lease and ticking."""
        self._renewer.start()
        self._ticker.add_job(self.tick, _EveryTick(), id=_TICKER, misfire_grace_time=None)
        self._ticker.start()

    def stop(self, grace: float = 6.0) -> bool:
        """Stop ticking and release the lease; return whether all jobs ended within `grace` seconds.

        Another process repeats a job that did not end, and whatever that job still tries to write here is refused.
        """
        self._stopping.set()
        self._ticker.shutdown(wait=False)
        with self._guard:
            ended = self._guard.wait_for(lambda: not self._running, grace)
        self._stopped.set()
        self._renewer.join(grace)
        self._store.let_go(SCHEDULER, self._holder, self._clock.now())
        return ended

    # --- the lease --------------------------------------------------------------------------------

    def _renew_on(self) -> None:
        while not self._stopped.is_set():
            try:
                self._keep_ticking()
                if self.dead() is None:  # a stalled process must not hold the lease
                    self.renew()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the lease is needed
                log_fault(log, fault, f"The lease could not be renewed; retrying in {_RENEW:g} s.")
            self._stopped.wait(_RENEW)

    def renew(self) -> None:
        """Take or extend the lease of every workspace that no other process holds."""
        now = self._clock.now()
        recurring = {name: kind.next for name, kind in self._kinds.items() if kind.next is not None}
        self._clock_wrong = follow_clock(self._store, recurring, now)
        if self._clock_wrong:
            self.leads = frozenset()
            return
        self.leads = frozenset(self._store.hold(SCHEDULER, self._holder, now + SCHEDULER_LEASE, now))
        self._tell_of_another(refused=not self.leads.issuperset(self._store.running_ids()))

    def _keep_ticking(self) -> None:
        """Have APScheduler tick now if it is late: it waits for a time of day, and the clock may have been set back."""
        if self._silent(_LATE) and not self._stopping.is_set():
            self._ticker.modify_job(_TICKER, next_run_time=datetime.now(UTC))

    def _tell_of_another(self, *, refused: bool) -> None:
        """Warn once that another process runs the schedule; a lease left by a dead process expires before that."""
        if not refused:
            self._refused_since, self._told_of_another = None, False
            return
        now = self._clock.monotonic()
        self._refused_since = self._refused_since or now
        if now - self._refused_since > SCHEDULER_LEASE.total_seconds() and not self._told_of_another:
            log.warning(_ANOTHER)
            self._told_of_another = True

    # --- what is due ------------------------------------------------------------------------------

    def tick(self) -> None:
        """Start every due job that need not wait."""
        self._ticked_at = time.monotonic()
        for due in self._store.due_jobs(self._clock.now()):
            kind, place = self._kinds.get(due.kind), (due.workspace, due.id)
            if kind is None or due.workspace not in self.leads or (due.stopped and not kind.also_stopped):
                continue
            with self._guard:
                if self._stopping.is_set():
                    return
                if self._must_wait(due, kind):
                    continue
                self._running[place] = due.kind, time.monotonic()
            name = f"tierbot-{due.kind}-{due.workspace}"
            threading.Thread(target=self._run_and_leave, args=place, name=name, daemon=True).start()

    def _must_wait(self, due: DueJob, kind: JobKind) -> bool:
        """Return whether a job must wait: for one of its kind in its workspace, for a heavy one, or for a free thread."""
        if self._resting.get((due.workspace, due.id), 0.0) > time.monotonic():
            return True
        mine = [running for (workspace, _), (running, _) in self._running.items() if workspace == due.workspace]
        return (
            due.kind in mine
            or len(mine) >= AT_ONCE_IN_A_WORKSPACE
            or len(self._running) >= _AT_ONCE
            or (kind.heavy and any(self._kinds[running].heavy for running, _ in self._running.values()))
        )

    def _run_and_leave(self, workspace: str, job_id: str) -> None:
        try:
            self.run(workspace, job_id)
        finally:
            with self._guard:
                self._running.pop((workspace, job_id), None)
                self._guard.notify_all()

    # --- one job ----------------------------------------------------------------------------------

    def run(self, workspace: str, job_id: str) -> None:
        """Run a job if it is due and this process holds the lease; on failure, log it and schedule a retry."""
        claim = Claim(workspace, job_id, f"{self._holder}/{uuid4().hex[:8]}")
        with bound(workspace=workspace, job=job_id, run=claim.run[-8:]):
            try:
                job = self._claimed(claim)
                if job is not None:
                    with bound(job=job.kind), under(claim):
                        self._do(workspace, job)
            except ClaimLostError as fault:
                log.warning(
                    "%s Another process took it over, or it was removed; nothing more is written here.",
                    fault,
                )
            except Exception as fault:  # noqa: BLE001 - whatever it is, other jobs go on
                what = f"{job_id} in {workspace} cannot be read or written; retrying in {_UNREADABLE:g} s."
                log_fault(log, fault, what)
                self._resting[workspace, job_id] = time.monotonic() + _UNREADABLE

    def _claimed(self, claim: Claim) -> Job | None:
        now = self._clock.now()
        with self._store.begin(claim.workspace) as tx:
            lease = tx.leases.get(SCHEDULER)
            if lease is None or lease[0] != self._holder or lease[1] <= now:
                return None
            return tx.agenda.claim(claim.job_id, claim.run, now)

    def _do(self, workspace: str, job: Job) -> None:
        began, failed = time.monotonic(), True
        try:
            again = self._kinds[job.kind].work(workspace, job)
            self._done(workspace, job, again)
            failed = False
        except ClaimLostError:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the job is tried again
            self._failed(workspace, job, fault)
        finally:
            self._meter.worked(job.kind, time.monotonic() - began, failed=failed)

    def _done(self, workspace: str, job: Job, again: Again | None) -> None:
        kind, now = self._kinds[job.kind], self._clock.now()
        with self._store.begin(workspace) as tx:
            found = tx.agenda.get(job.id)
            if found is None:
                return
            tx.agenda.clear(now - _KEPT)
            well = replace(found, attempts=0, error=None)
            if found.due_at != job.due_at:  # rescheduled during this run, perhaps for something it missed
                tx.agenda.put(replace(well, ran_at=found.ran_at if again else now))
            elif again is not None:
                tx.agenda.put(replace(well, due_at=again.due_at, payload=again.payload))
            elif not job.recurs or kind.next is None:
                tx.agenda.put(replace(well, finished_at=now))
                self._restart(tx, job.kind, now)
            else:
                tx.agenda.put(replace(well, due_at=kind.next(tx, now), payload={}, ran_at=now))

    def _restart(self, tx: Transaction, name: str, now: datetime) -> None:
        """Count a finished request as a run of its recurring job, for kinds that do so."""
        kind, recurring = self._kinds[name], tx.agenda.get(name)
        if kind.restarts and kind.next is not None and recurring is not None:
            tx.agenda.put(replace(recurring, due_at=kind.next(tx, now), ran_at=now, attempts=0, error=None))

    def _failed(self, workspace: str, job: Job, fault: Exception) -> None:
        """Schedule a retry. The row already says what is left."""
        with self._store.begin(workspace) as tx:
            found = tx.agenda.get(job.id)
            attempts = job.attempts + 1
            wait = backoff(attempts)
            if found is not None and found.due_at == job.due_at:
                error = f"{type(fault).__name__}: {fault}"[:_LONGEST_ERROR]
                due_at = self._clock.now() + wait
                tx.agenda.put(replace(found, due_at=due_at, attempts=attempts, error=error))
        log_fault(log, fault, f"{job.kind} failed; retrying in {wait}.")


def backoff(attempts: int) -> timedelta:
    """Return how long to wait after `attempts` (1 or more) failures in a row."""
    doublings = min(max(attempts, 1) - 1, 30)
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)
