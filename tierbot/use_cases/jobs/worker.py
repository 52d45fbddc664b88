"""The background worker: sends the outbox, settles votes as they arrive, and looks up who may vote."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tierbot.logs import bound
from tierbot.use_cases.jobs.faults import log_fault
from tierbot.use_cases.ports import Clock, Meter, NoMeter, Store

log = logging.getLogger(__name__)

_CALLERS = 64  # workspaces called in parallel
_DELIVER, _LOOK_UP = "deliver", "look_up"
_DOING = {_DELIVER: "sending to", _LOOK_UP: "looking up voters in"}
_IDLE = 0.25  # seconds between checks of an empty outbox
_QUIET = 0.05  # seconds without a new vote before settling: a burst is acknowledged first
_SETTLE_WITHIN = 0.5  # seconds after which votes are settled even if more keep arriving
_SETTLE_EVERY = 2.0  # seconds without a wake-up call: other processes record votes, too
_STUCK = 120.0  # seconds; a call to Slack ends within 15, a transaction waits 30 at most
_BREATH = 2.0  # seconds before retrying what failed


class Worker:
    """Sends the outbox and settles votes, each in its own thread.

    Calls to Slack (sending, looking up voters) run in parallel, one at a time per workspace, so none waits for another.
    After an error, a workspace is skipped for a moment while the others continue.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        deliver: Callable[[str], bool],
        settle: Callable[[str], int],
        after_settling: Callable[[str], None] = lambda _: None,
        meter: Meter | None = None,
        look_up: Callable[[str], int] = lambda _: 0,
    ) -> None:
        """Work in all workspaces of a store.

        `deliver` sends the next due delivery of a workspace and returns whether there was one; `settle` returns how many
        posts settled; `after_settling` is called with each workspace where some did; `look_up` asks Slack who may vote,
        and returns how many people's votes can be settled now.
        """
        self._store = store
        self._clock = clock
        self._deliver_next = deliver
        self._settle_posts = settle
        self._after_settling = after_settling
        self._look_up_voters = look_up
        self._meter = meter or NoMeter()
        self._stopping = threading.Event()
        self._touched = threading.Event()
        self._settling = 0.0  # seconds the last settling took
        self._settled_at = 0.0  # when it ended, by the monotonic clock
        self._calling: dict[tuple[str, str], float] = {}  # by work and workspace: since when, by the monotonic clock
        self._resting: dict[tuple[str, str], float] = {}  # by work and workspace: until when, by the monotonic clock
        self._called = threading.Condition()
        # One pool for each, so that look-ups that hang keep nothing from being sent.
        self._callers = {work: ThreadPoolExecutor(_CALLERS, thread_name_prefix=f"tierbot-{work}") for work in _DOING}
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
        for (work, workspace), began in list(self._calling.items()):
            if now - began > _STUCK:
                return f"{_DOING[work]} {workspace} has been stuck for {now - began:.0f} s"
        return self.dead()

    def wake(self) -> None:
        """Settle new votes now."""
        self._touched.set()

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float = 4.0) -> bool:
        """Finish what is being sent or settled; return whether everything ended within `grace` seconds."""
        self._stopping.set()
        self._touched.set()
        until = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for callers in self._callers.values():
            callers.shutdown(wait=False)  # queued calls see that the worker is stopping
        with self._called:
            called = self._called.wait_for(lambda: not self._calling, max(0.0, until - time.monotonic()))
        return called and not any(thread.is_alive() for thread in self._threads)

    def _keep(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self._beat()
            try:
                work()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the thread goes on
                name = work.__name__.strip("_")
                log_fault(log, fault, f"{name} failed; retrying in {_BREATH:g} s.")
                self._meter.worked(name, 0.0, failed=True)
                self._stopping.wait(_BREATH)

    def _beat(self) -> None:
        self._beats[threading.current_thread().name] = time.monotonic()

    def _failed(self, work: str, workspace: str, fault: Exception) -> None:
        """Log an error and skip the workspace for a moment, without blocking a thread."""
        log_fault(log, fault, f"{work} failed; retrying in {_BREATH:g} s.")
        self._meter.worked(work, 0.0, failed=True)
        self._resting[work, workspace] = time.monotonic() + _BREATH

    def _rests(self, work: str, workspace: str) -> bool:
        return self._resting.get((work, workspace), 0.0) > time.monotonic()

    def _deliver(self) -> None:
        for workspace in self._store.due_ids(self._clock.now()):
            self._call(_DELIVER, workspace, self._send_to)
        self._stopping.wait(_IDLE)

    def _call(self, work: str, workspace: str, call: Callable[[str], None]) -> None:
        """Run calls to Slack in a separate thread, unless this work is paused or under way in the workspace."""
        if self._rests(work, workspace):
            return
        with self._called:
            if (work, workspace) in self._calling or self._stopping.is_set():
                return
            self._calling[work, workspace] = time.monotonic()
        self._callers[work].submit(self._run_call, work, workspace, call)

    def _run_call(self, work: str, workspace: str, call: Callable[[str], None]) -> None:
        try:
            call(workspace)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the others go on
            with bound(workspace=workspace, job=work):
                self._failed(work, workspace, fault)
        finally:
            with self._called:
                self._calling.pop((work, workspace), None)
                self._called.notify_all()

    def _send_to(self, workspace: str) -> None:
        """Send everything that is due in a workspace."""
        while not self._stopping.is_set() and self._deliver_next(workspace):
            self._calling[_DELIVER, workspace] = time.monotonic()

    def _look_up_in(self, workspace: str) -> None:
        """Look up who may vote, and have their votes settled."""
        if not self._stopping.is_set() and self._look_up_voters(workspace):
            self.wake()

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
            self._call(_LOOK_UP, workspace, self._look_up_in)
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
