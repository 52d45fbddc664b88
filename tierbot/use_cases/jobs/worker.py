"""The background worker: sends the outbox and settles votes as they arrive."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tierbot.logs import bound
from tierbot.use_cases.ports import Clock, Meter, NoMeter, Store

log = logging.getLogger(__name__)

_SENDERS = 64  # workspaces sent to in parallel
_IDLE = 0.25  # seconds between checks of an empty outbox
_QUIET = 0.05  # seconds without a new vote before settling: a burst is acknowledged first
_SETTLE_WITHIN = 0.5  # seconds after which votes are settled even if more keep arriving
_SETTLE_EVERY = 2.0  # seconds without a wake-up call: other processes record votes, too
_STUCK = 120.0  # seconds; a call to Slack ends within 15, a transaction waits 30 at most
_BREATH = 2.0  # seconds before retrying what failed


class Worker:
    """Sends the outbox and settles votes, each in its own thread.

    Sends to workspaces in parallel, one delivery at a time to each, so none waits for another. After an error, a
    workspace is skipped for a moment while the others continue.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliver: Callable[[str], bool],
        settle: Callable[[str], int],
        after_settling: Callable[[str], None] = lambda _: None,
        meter: Meter | None = None,
    ) -> None:
        """Work in all workspaces of a store.

        `deliver` sends the next due delivery of a workspace and returns whether there was one; `settle` returns how many
        posts settled; `after_settling` is called with each workspace where some did.
        """
        self._store = store
        self._clock = clock
        self._deliver_next = deliver
        self._settle_posts = settle
        self._after_settling = after_settling
        self._meter = meter or NoMeter()
        self._stopping = threading.Event()
        self._touched = threading.Event()
        self._settling = 0.0  # seconds the last settling took
        self._settled_at = 0.0  # when it ended, by the monotonic clock
        self._sending: dict[str, float] = {}  # by workspace: when its last sending began, by the monotonic clock
        self._resting: dict[tuple[str, str], float] = {}  # by work and workspace: until when, by the monotonic clock
        self._sent = threading.Condition()
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="tierbot-send")
        self._beats: dict[str, float] = {}  # when each thread last made progress, by the monotonic clock
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"tierbot-{work.__name__.strip('_')}", daemon=True)
            for work in (self._deliver, self._settle)
        ]

    def dead(self) -> str | None:
        """Return which thread has died, None if none has."""
        gone = [thread.name for thread in self._threads if thread.name in self._beats and not thread.is_alive()]
        return f"{gone[0]} has ended" if gone and not self._stopping.is_set() else None

    def trouble(self) -> str | None:
        """Return in a few words what is stuck or has not started, None if all is well."""
        now = time.monotonic()
        for thread in self._threads:
            beat = self._beats.get(thread.name)
            if beat is None:
                return f"{thread.name} has not started"
            if now - beat > _STUCK:
                return f"{thread.name} has been stuck for {now - beat:.0f} s"
        for workspace, began in list(self._sending.items()):
            if now - began > _STUCK:
                return f"sending to {workspace} has been stuck for {now - began:.0f} s"
        return self.dead()

    def wake(self) -> None:
        """Settle new votes now."""
        self._touched.set()

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float = 4.0) -> bool:
        """Finish what is being sent or settled; return whether both threads ended within `grace` seconds."""
        self._stopping.set()
        self._touched.set()
        until = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._senders.shutdown(wait=False)  # queued senders see that the worker is stopping
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
                log.exception("%s failed; retrying in %g s", name, _BREATH)
                self._meter.worked(name, 0.0, failed=True)
                self._stopping.wait(_BREATH)

    def _beat(self) -> None:
        self._beats[threading.current_thread().name] = time.monotonic()

    def _failed(self, work: str, workspace: str, fault: Exception) -> None:
        """Log an error and skip the workspace for a moment, without blocking a thread."""
        log.error("%s failed; retrying in %g s", work, _BREATH, exc_info=fault)
        self._meter.worked(work, 0.0, failed=True)
        self._resting[work, workspace] = time.monotonic() + _BREATH

    def _rests(self, work: str, workspace: str) -> bool:
        return self._resting.get((work, workspace), 0.0) > time.monotonic()

    def _deliver(self) -> None:
        for workspace in self._store.due_ids(self._clock.now()):
            if self._rests("deliver", workspace):
                continue
            with self._sent:
                if workspace in self._sending or self._stopping.is_set():
                    continue
                self._sending[workspace] = time.monotonic()
            self._senders.submit(self._send_to, workspace)
        self._stopping.wait(_IDLE)

    def _send_to(self, workspace: str) -> None:
        """Send everything that is due in a workspace."""
        try:
            while not self._stopping.is_set() and self._deliver_next(workspace):
                self._sending[workspace] = time.monotonic()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the others go on
            with bound(workspace=workspace, job="deliver"):
                self._failed("deliver", workspace, fault)
        finally:
            with self._sent:
                self._sending.pop(workspace, None)
                self._sent.notify_all()

    def _settle(self) -> None:
        self._touched.wait(timeout=_SETTLE_EVERY)
        # Use at most a quarter of the time under load: acknowledgments need the database and the processor, too.
        rested = time.monotonic() - self._settled_at
        self._stopping.wait(max(0.0, 3 * self._settling - rested))
        self._wait_for_quiet()
        began = time.monotonic()
        for workspace in self._store.running_ids():
            self._beat()
            if not self._rests("settle", workspace):
                self._settle_in(workspace)
        self._settled_at = time.monotonic()
        self._settling = min(self._settled_at - began, _SETTLE_EVERY)

    def _wait_for_quiet(self) -> None:
        until = time.monotonic() + _SETTLE_WITHIN
        while time.monotonic() < until and not self._stopping.is_set():
            self._touched.clear()
            self._stopping.wait(_QUIET)
            if not self._touched.is_set():
                break
        self._touched.clear()  # everything recorded so far is settled in this turn

    def _settle_in(self, workspace: str) -> None:
        started = time.monotonic()
        with bound(workspace=workspace, job="settle"):
            try:
                if self._settle_posts(workspace):
                    self._meter.worked("settle", time.monotonic() - started, failed=False)
                    self._after_settling(workspace)
            except Exception as fault:  # noqa: BLE001 - whatever it is, the others go on
                self._failed("settle", workspace, fault)
