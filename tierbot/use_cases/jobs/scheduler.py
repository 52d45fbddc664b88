"""What is due gets done: APScheduler ticks, due times live in the database, and one process acts on them.

Cron expressions are avoided on purpose: APScheduler's skip or repeat an hour around changes of daylight
saving time, and its stored jobs are pickles. A tick only asks the agenda what is due, so that a restart neither
forgets nor repeats, and rounds/calendar.py does the arithmetic of local time.

Three kinds of threads, so that none waits for another's work: one renews the lease and does nothing else, one ticks
(one query, whatever the number of workspaces), and each job has its own.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from apscheduler.schedulers.background import BackgroundScheduler

from tierbot.domain.nouns import TierbotError
from tierbot.logs import bound
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
"""A job that failed is tried again after the first; each further failure doubles the wait, up to the last."""

_TICK = 1.0  # seconds
_RENEW = 3.0  # seconds between renewals: four may fail before the lease runs out
_STUCK = 120.0  # seconds; a tick is one query, which waits 30 at most
_AT_ONCE = 128  # jobs in this process
_AT_ONCE_IN_A_WORKSPACE = 4
_UNREADABLE = 60.0  # seconds until a job is looked at again whose failure could not even be written down
_KEPT = timedelta(days=7)  # a finished request: as long as a copy of it could arrive
_LONGEST_ERROR = 500  # characters

_ANOTHER = (
    "Another tierbot process is running the schedule for this database; this one is on standby. That's expected with "
    "several workers. If you did not mean to run two, stop one."
)


Work = Callable[[str, Job], Again | None]
"""Does a job in a workspace. An exception means that it failed, and it is tried again later."""

Next = Callable[[Transaction, datetime], datetime]
"""Returns when a recurring job is due again, from the time (UTC) at which it was done."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind are done.

    next: None for a kind that is only ever requested. heavy: one at a time in a process. also_stopped: also done where
    the app is no longer installed. restarts: a finished request counts as a run of the recurring job.
    """

    work: Work
    next: Next | None = None
    heavy: bool = False
    also_stopped: bool = False
    restarts: bool = False


def every(period: timedelta) -> Next:
    """Return what lets a job be due again after a period."""
    return lambda _, now: now + period


class Scheduler:
    """Does the jobs of every workspace whose lease this process holds."""

    def __init__(self, store: Store, clock: Clock, kinds: Mapping[str, JobKind], meter: Meter | None = None) -> None:
        """`kinds`: by name. `store` is the one that jobs write through: a FencedStore."""
        self._store = store
        self._clock = clock
        self._kinds = kinds
        self._meter = meter or NoMeter()
        self._holder = uuid4().hex
        self._leads: frozenset[str] = frozenset()
        self._refused_since: datetime | None = None
        self._told_of_another = False
        self._ticked_at: float | None = None
        self._running: dict[tuple[str, str], str] = {}  # kind by workspace and job id
        self._resting: dict[tuple[str, str], float] = {}  # until when, by the monotonic clock
        self._guard = threading.Condition()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._renewer = threading.Thread(target=self._renew_on, name="tierbot-lease", daemon=True)
        self._ticker = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})

    @property
    def leads(self) -> frozenset[str]:
        """The workspaces whose lease this process held when it last renewed it."""
        return self._leads

    def trouble(self) -> str | None:
        """Say in a few words why the schedule does not go on in this process, None if it does."""
        return (
            "the schedule has not begun" if self._ticked_at is None else self._silent(SCHEDULER_LEASE.total_seconds())
        )

    def dead(self) -> str | None:
        """Say if it has stood still for so long that only a restart helps, None if not."""
        return None if self._ticked_at is None else self._silent(_STUCK)

    def _silent(self, patience: float) -> str | None:
        silent = time.monotonic() - (self._ticked_at or 0.0)
        return f"the schedule has not ticked for {silent:.0f} s" if silent > patience else None

    def start(self) -> None:
        """Begin to renew the lease and to tick."""
        self._renewer.start()
        self._ticker.add_job(self.tick, "interval", seconds=_TICK, misfire_grace_time=None)
        self._ticker.start()

    def stop(self, grace: float = 6.0) -> bool:
        """Stop ticking and let another process take over at once; return whether all jobs ended within `grace` s.

        A job that did not is done again by whoever comes next, and what it still tries to write here is refused.
        """
        self._stopping.set()
        self._ticker.shutdown(wait=False)
        with self._guard:
            ended = self._guard.wait_for(lambda: not self._running, grace)
        self._stopped.set()
        self._renewer.join(grace)
        self._store.let_go(SCHEDULER, self._holder)
        return ended

    # --- the lease --------------------------------------------------------------------------------

    def _renew_on(self) -> None:
        while not self._stopped.is_set():
            try:
                if self.dead() is None:  # a process that does no jobs must not keep them from others
                    self.renew()
            except Exception:
                log.exception("The lease could not be renewed; it is tried again in %g s.", _RENEW)
            self._stopped.wait(_RENEW)

    def renew(self) -> None:
        """Take or prolong the lease of every workspace that no other process holds."""
        now = self._clock.now()
        self._leads = frozenset(self._store.hold(SCHEDULER, self._holder, now + SCHEDULER_LEASE, now))
        self._tell_of_another(now, refused=not self._leads.issuperset(self._store.running_ids()))

    def _tell_of_another(self, now: datetime, *, refused: bool) -> None:
        """Warn once of another process at work; a lease that a dead one left behind runs out before that."""
        if not refused:
            self._refused_since, self._told_of_another = None, False
            return
        self._refused_since = self._refused_since or now
        if now - self._refused_since > SCHEDULER_LEASE and not self._told_of_another:
            log.warning(_ANOTHER)
            self._told_of_another = True

    # --- what is due ------------------------------------------------------------------------------

    def tick(self) -> None:
        """Start every job that is due, unless it has to wait."""
        self._ticked_at = time.monotonic()
        for due in self._store.due_jobs(self._clock.now()):
            kind, place = self._kinds.get(due.kind), (due.workspace, due.id)
            if kind is None or due.workspace not in self._leads or (due.stopped and not kind.also_stopped):
                continue
            with self._guard:
                if self._stopping.is_set():
                    return
                if self._must_wait(due, kind):
                    continue
                self._running[place] = due.kind
            name = f"tierbot-{due.kind}-{due.workspace}"
            threading.Thread(target=self._run_and_leave, args=place, name=name, daemon=True).start()

    def _must_wait(self, due: DueJob, kind: JobKind) -> bool:
        """Say whether a job waits: for one of its kind in its workspace, for a heavy one, or for a free thread."""
        if self._resting.get((due.workspace, due.id), 0.0) > time.monotonic():
            return True
        mine = [running for (workspace, _), running in self._running.items() if workspace == due.workspace]
        return (
            due.kind in mine
            or len(mine) >= _AT_ONCE_IN_A_WORKSPACE
            or len(self._running) >= _AT_ONCE
            or (kind.heavy and any(self._kinds[running].heavy for running in self._running.values()))
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
        """Do a job if it is due and this process holds the lease; a failure is logged and the job put off."""
        claim = Claim(workspace, job_id, f"{self._holder}/{uuid4().hex[:8]}")
        with bound(workspace=workspace, job=job_id, run=claim.run[-8:]):
            try:
                job = self._claimed(claim)
                if job is not None:
                    with bound(job=job.kind), under(claim):
                        self._do(workspace, job)
            except ClaimLostError as fault:
                log.warning(
                    "%s Another process took it over, or it was taken off the agenda; nothing more is written here.",
                    fault,
                )
            except Exception:
                log.exception(
                    "%s in %s cannot be read or written; it is looked at again in %g s.", job_id, workspace, _UNREADABLE
                )
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
            if found.due_at != job.due_at:  # planned anew meanwhile, perhaps because of something this run has missed
                tx.agenda.put(replace(well, ran_at=found.ran_at if again else now))
            elif again is not None:
                tx.agenda.put(replace(well, due_at=again.due_at, payload=again.payload))
            elif not job.recurs or kind.next is None:
                tx.agenda.put(replace(well, finished_at=now))
                self._restart(tx, job.kind, now)
            else:
                tx.agenda.put(replace(well, due_at=kind.next(tx, now), payload={}, ran_at=now))

    def _restart(self, tx: Transaction, name: str, now: datetime) -> None:
        """Count a finished request as a run of its recurring job, if its kind wants that."""
        kind, recurring = self._kinds[name], tx.agenda.get(name)
        if kind.restarts and kind.next is not None and recurring is not None:
            tx.agenda.put(replace(recurring, due_at=kind.next(tx, now), ran_at=now, attempts=0, error=None))

    def _failed(self, workspace: str, job: Job, fault: Exception) -> None:
        """Put a job off. What it has done so far is in its row."""
        with self._store.begin(workspace) as tx:
            found = tx.agenda.get(job.id)
            attempts = (found or job).attempts + 1
            wait = backoff(attempts)
            if found is not None and found.due_at == job.due_at:
                error = f"{type(fault).__name__}: {fault}"[:_LONGEST_ERROR]
                due_at = self._clock.now() + wait
                tx.agenda.put(replace(found, due_at=due_at, attempts=attempts, error=error))
        if isinstance(fault, TierbotError):  # its text says it all
            log.warning("%s failed: %s It is tried again in %s.", job.kind, fault, wait)
        else:
            log.error("%s failed; it is tried again in %s.", job.kind, wait, exc_info=fault)


def backoff(attempts: int) -> timedelta:
    """Return how long a job waits that has failed `attempts` times in a row (1 or more)."""
    doublings = min(max(attempts, 1) - 1, 30)
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)
