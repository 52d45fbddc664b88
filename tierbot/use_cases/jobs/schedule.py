"""What is due gets done: APScheduler ticks, due times live in the database, and one process acts on them.

Cron expressions are avoided on purpose: APScheduler's skip or repeat an hour around changes of daylight
saving time, and its stored jobs are pickles. A tick only asks the agenda what is due, so that a restart neither
forgets nor repeats, and rounds/calendar.py does the arithmetic of local time.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

from apscheduler.schedulers.background import BackgroundScheduler

from tierbot.domain.nouns import DAWN, TierbotError
from tierbot.logs import bound
from tierbot.use_cases.articles.tag_requests import JOB as IN_THREADS
from tierbot.use_cases.asking.push_schedule import chosen_push, next_push
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.ports import SCHEDULER, SCHEDULER_LEASE, Due, Meter, NoMeter

log = logging.getLogger(__name__)

_TICK = 1.0  # seconds
_ANOTHER = (
    "Another tierbot process is at work on this database and keeps its schedule; this one stands by. That is as it should "
    "be with several workers. If you did not mean to run two, stop one."
)
_HEAVY = "retrain"
_ALSO_STOPPED = frozenset({"expire"})  # what people were promised of their data holds also where the app is gone
_EMBEDDED_AT_A_POLL = 5_000  # articles; other jobs wait for it. A push sees to what it considers by itself
_SENDERS = 8  # workspaces that are sent to at once
_RETRY_AFTER = timedelta(minutes=5)  # a job that failed is tried again
_IDLE = 0.25  # seconds between looks into an empty outbox
_SETTLE_PAUSE = 0.05  # seconds of votes gathered before they are settled
_SETTLE_EVERY = 2.0  # seconds, should nobody have called: votes may come in by other processes
_STUCK = 120.0  # seconds; a call to Slack ends within 15, a transaction waits 30 at most
_BREATH = 2.0  # seconds before a thread that failed goes on


class Scheduler:
    """Runs the agenda of every workspace whose lease this process holds."""

    def __init__(self, loop: Loop, meter: Meter | None = None) -> None:
        self._loop = loop
        self._meter = meter or NoMeter()
        self._leads: frozenset[str] = frozenset()
        self._refused_since: datetime | None = None
        self._told_of_another = False
        self._ticked_at: float | None = None
        self._jobs: dict[str, Job] = dict(JOBS)
        self._holder = uuid4().hex
        self._running: set[tuple[str, str]] = set()
        self._guard = threading.Condition()
        self._ticker = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})

    def add(self, job: str, work: "Job") -> None:
        """Let this process do one more job, from the next tick on."""
        self._jobs[job] = work

    @property
    def leads(self) -> frozenset[str]:
        """The workspaces whose lease this process held at its last tick."""
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
        """Begin to tick, in a thread of its own; jobs run in threads of a pool."""
        self._ticker.add_job(self.tick, "interval", seconds=_TICK, misfire_grace_time=None)
        self._ticker.start()

    def stop(self, grace: float = 6.0) -> bool:
        """Stop ticking and let another process take over at once; return whether all jobs ended within `grace` s.

        A job that did not is done again by whoever comes next: it is on the agenda until it is done.
        """
        self._ticker.shutdown(wait=False)
        with self._guard:
            ended = self._guard.wait_for(lambda: not self._running, grace)
        for workspace in self._loop.store.workspace_ids():
            with self._loop.store.begin(workspace) as tx:
                tx.leases.release(SCHEDULER, self._holder)
        return ended

    def tick(self) -> None:
        """Start every job that is due and not running."""
        now, self._ticked_at = self._loop.clock.now(), time.monotonic()
        leads = set()
        running = frozenset(self._loop.store.running_ids())
        for workspace in self._loop.store.workspace_ids():
            with self._loop.store.begin(workspace) as tx:
                mine = tx.leases.take(SCHEDULER, self._holder, now + SCHEDULER_LEASE, now)
                due = (
                    [item for item in tx.agenda.all() if item.due_at <= now and item.job in self._jobs] if mine else []
                )
            if workspace not in running:
                due = [item for item in due if item.job in _ALSO_STOPPED]
            if mine:
                leads.add(workspace)
            for item in due:
                with self._guard:
                    if self._must_wait(workspace, item.job):
                        continue
                    self._running.add((workspace, item.job))
                self._ticker.add_job(self.run, args=(workspace, item), misfire_grace_time=None)
        self._leads = frozenset(leads)
        self._tell_of_another(now, refused=not running <= leads)

    def _tell_of_another(self, now: datetime, *, refused: bool) -> None:
        """Warn once of another process at work; a lease that a dead one left behind runs out before that."""
        if not refused:
            self._refused_since, self._told_of_another = None, False
            return
        self._refused_since = self._refused_since or now
        if now - self._refused_since > SCHEDULER_LEASE and not self._told_of_another:
            log.warning(_ANOTHER)
            self._told_of_another = True

    def _must_wait(self, workspace: str, job: str) -> bool:
        """Say whether a job is under way, or is a training beside another workspace's: one takes a gigabyte."""
        return (workspace, job) in self._running or (job == _HEAVY and any(_HEAVY in one for one in self._running))

    def run(self, workspace: str, due: Due) -> None:
        """Do one job; a failure is logged and the job put off, never the end of the scheduler."""
        began, failed = time.monotonic(), True
        with bound(workspace=workspace, job=due.job, run=uuid4().hex[:8]):
            try:
                self._jobs[due.job](self._loop, workspace, due)
                failed = False
            except TierbotError as fault:  # its text says it all
                log.warning("%s failed: %s It is tried again in %s.", due.job, fault, _RETRY_AFTER)
                self._put_off(workspace, due)
            except Exception:
                log.exception("%s failed; it is tried again in %s.", due.job, _RETRY_AFTER)
                self._put_off(workspace, due)
            finally:
                self._meter.worked(due.job, time.monotonic() - began, failed=failed)
                with self._guard:
                    self._running.discard((workspace, due.job))
                    self._guard.notify_all()

    def _put_off(self, workspace: str, due: Due) -> None:
        with self._loop.store.begin(workspace) as tx:
            tx.agenda.set(Due(due.job, self._loop.clock.now() + _RETRY_AFTER, due.ran_at, due.request))


class Worker:
    """Sends the outbox and settles votes as they come, each in a thread of its own.

    Workspaces are sent to side by side, one thing at a time each: none waits for another's pace or slow answers.
    """

    def __init__(
        self, loop: Loop, after_settling: Callable[[str], None] | None = None, meter: Meter | None = None
    ) -> None:
        """`after_settling` is told each workspace in which posts have just settled."""
        self._loop = loop
        self._meter = meter or NoMeter()
        self._after_settling = after_settling or (lambda _: None)
        self._stopping = threading.Event()
        self._touched = threading.Event()
        self._settling = 0.0  # seconds that the last settling took
        self._settled_at = 0.0  # when it ended, by the monotonic clock
        self._sending: dict[str, float] = {}  # by workspace: when its last sending began, by the monotonic clock
        self._sent = threading.Condition()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="tierbot-send")
        self._beats: dict[str, float] = {}  # when each thread last went on, by the monotonic clock
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"tierbot-{work.__name__.strip('_')}", daemon=True)
            for work in (self._deliver, self._settle)
        ]

    def dead(self) -> str | None:
        """Say which thread has ended, though nobody stopped it; None if none has."""
        gone = [thread.name for thread in self._threads if thread.name in self._beats and not thread.is_alive()]
        return f"{gone[0]} has ended" if gone and not self._stopping.is_set() else None

    def trouble(self) -> str | None:
        """Say in a few words what is stuck or has not begun, None if all goes on."""
        now = time.monotonic()
        for thread in self._threads:
            beat = self._beats.get(thread.name)
            if beat is None:
                return f"{thread.name} has not begun"
            if now - beat > _STUCK:
                return f"{thread.name} has been stuck for {now - beat:.0f} s"
        for workspace, began in list(self._sending.items()):
            if now - began > _STUCK:
                return f"sending to {workspace} has been stuck for {now - began:.0f} s"
        return self.dead()

    def wake(self) -> None:
        """Say that there are new votes to settle."""
        self._touched.set()

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float = 4.0) -> bool:
        """Finish what is being sent or settled, then end; return whether both threads ended within `grace` s."""
        self._stopping.set()
        self._touched.set()
        until = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._senders.shutdown(wait=False)  # what waits for its turn sees that it is stopped
        with self._sent:
            sent = self._sent.wait_for(lambda: not self._sending, max(0.0, until - time.monotonic()))
        return sent and not any(thread.is_alive() for thread in self._threads)

    def _keep(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self._beat()
            try:
                work()
            except Exception:
                name = work.__name__.strip("_")
                log.exception("%s failed; it goes on in %g s", name, _BREATH)
                self._meter.worked(name, 0.0, failed=True)
                self._stopping.wait(_BREATH)

    def _beat(self) -> None:
        self._beats[threading.current_thread().name] = time.monotonic()

    def _deliver(self) -> None:
        for workspace in self._loop.store.due_ids(self._loop.clock.now()):
            with self._sent:
                if workspace in self._sending or self._stopping.is_set():
                    continue
                self._sending[workspace] = time.monotonic()
            self._senders.submit(self._send_to, workspace)
        self._stopping.wait(_IDLE)

    def _send_to(self, workspace: str) -> None:
        """Send a workspace all that is due there."""
        try:
            while not self._stopping.is_set() and self._loop.deliver(workspace):
                self._sending[workspace] = time.monotonic()
        except Exception:
            log.exception("deliver failed; it goes on in %g s", _BREATH)
            self._meter.worked("deliver", 0.0, failed=True)
            self._stopping.wait(_BREATH)
        finally:
            with self._sent:
                self._sending.pop(workspace, None)
                self._sent.notify_all()

    def _settle(self) -> None:
        self._touched.wait(timeout=_SETTLE_EVERY)
        # Under load at most a quarter of the time: acknowledgements need the database and the processor, too.
        rested = time.monotonic() - self._settled_at
        self._stopping.wait(max(_SETTLE_PAUSE, 3 * self._settling - rested))
        self._touched.clear()
        began = time.monotonic()
        for workspace in self._loop.store.running_ids():
            self._beat()
            started = time.monotonic()
            with bound(workspace=workspace, job="settle"):
                if self._loop.settle(workspace):
                    self._meter.worked("settle", time.monotonic() - started, failed=False)
                    self._after_settling(workspace)
                    retrain_if_enough(self._loop, workspace)
        self._settled_at = time.monotonic()
        self._settling = min(self._settled_at - began, _SETTLE_EVERY)


# --- the jobs -------------------------------------------------------------------------------------


def push(loop: Loop, workspace: str, due: Due) -> None:
    """Post articles: those an admin asked for at once, scheduled ones spread out unless paused."""
    settings, now = loop.settings, loop.clock.now()
    after = Due("push", _next_push(loop, workspace, now), now)
    count = int(due.request.get("count", settings.push_count))
    if "by" in due.request:
        loop.ask(workspace, count, job=due, next_due=after)
        return
    with loop.store.read(workspace) as tx:
        known, channel = tx.workspaces.get(), loop.channel(tx)
    paused = not channel or (known is not None and known.settings.get("paused", False))
    spread = timedelta(minutes=settings.push_spread_minutes)
    loop.ask(workspace, 0 if paused else count, spread=spread, job=due, next_due=after)


def _next_push(loop: Loop, workspace: str, now: datetime) -> datetime:
    if loop.settings.push_times == "fixed":
        return next_push(loop.settings, now)
    with loop.store.begin(workspace) as tx:
        return chosen_push(tx, loop.settings, now, loop.rng)


def ask_in_threads(loop: Loop, workspace: str, due: Due) -> None:
    """Ask about the messages that somebody tagged; due again as soon as the next one is."""
    loop.ask_in_threads(workspace)
    with loop.store.begin(workspace) as tx:
        known = tx.agenda.get(IN_THREADS)
        if known is not None and known.due_at <= due.due_at:
            tx.agenda.remove(IN_THREADS)


def close_round(loop: Loop, workspace: str, due: Due) -> None:  # noqa: ARG001 - jobs share one signature
    """Close the round; opening the next one sets when this is due again."""
    loop.close_round(workspace)


def retrain(loop: Loop, workspace: str, due: Due) -> None:  # noqa: ARG001
    """Retrain, and be due again after the usual time (or after enough verdicts: see `settle`)."""
    loop.retrain(workspace)
    now = loop.clock.now()
    with loop.store.begin(workspace) as tx:
        tx.agenda.set(Due("retrain", now + timedelta(days=loop.settings.retrain_every_days), now))


def retrain_if_enough(loop: Loop, workspace: str) -> None:
    """Make the retraining due now once enough posts settled since the last one."""
    now = loop.clock.now()
    with loop.store.begin(workspace) as tx:
        due = tx.agenda.get("retrain")
        since = (due.ran_at if due else None) or DAWN
        if (due is None or due.due_at > now) and tx.verdicts.count_since(since) >= loop.settings.retrain_after:
            tx.agenda.set(Due("retrain", now, due.ran_at if due else None))


def reconcile(loop: Loop, workspace: str, due: Due) -> None:
    """Compare a slice of the open posts with Slack; go on with the next, or begin again after the usual time."""
    sweep = loop.reconcile(workspace, due.request)
    now = loop.clock.now()
    if sweep.again_in is None:
        after = Due("reconcile", now + timedelta(minutes=loop.settings.reconcile_every_minutes), now)
    else:
        after = Due("reconcile", now + timedelta(seconds=sweep.again_in), due.ran_at, sweep.resume)
    _set_unless_sooner(loop, workspace, due, after)


def _set_unless_sooner(loop: Loop, workspace: str, was: Due, after: Due) -> None:
    """Put a job on the agenda again, unless somebody asked for it while it ran: then it stays due at once."""
    with loop.store.begin(workspace) as tx:
        known = tx.agenda.get(was.job)
        if known is None or known.due_at <= was.due_at:
            tx.agenda.set(after)


def poll(loop: Loop, workspace: str, due: Due) -> None:
    """Read the feeds, and embed what came in, so that the next push need not wait for that."""
    loop.poll(workspace)
    now = loop.clock.now()
    with loop.store.begin(workspace) as tx:
        known = tx.agenda.get("poll")
        if known is None or known.due_at <= due.due_at:  # otherwise a feed was added meanwhile: it is read at once
            tx.agenda.set(Due("poll", now + timedelta(minutes=loop.settings.poll_every_minutes), now))
    loop.embed(workspace, _EMBEDDED_AT_A_POLL)


def expire(loop: Loop, workspace: str, due: Due) -> None:  # noqa: ARG001
    """Delete what names people and is older than the settings allow, once a day."""
    now, days = loop.clock.now(), loop.settings.retention_days
    gone = PersonalData(loop.store, loop.clock).expire(workspace, max(days, loop.settings.settle_days)) if days else {}
    if any(gone.values()):
        log.info("Deleted after %g days: %s.", days, ", ".join(f"{n} {what}" for what, n in gone.items() if n))
    with loop.store.begin(workspace) as tx:
        tx.agenda.set(Due("expire", now + timedelta(days=1), now))


Job = Callable[[Loop, str, Due], None]

JOBS: dict[str, Job] = {
    "push": push,
    IN_THREADS: ask_in_threads,
    "poll": poll,
    "close_round": close_round,
    "retrain": retrain,
    "reconcile": reconcile,
    "expire": expire,
}
