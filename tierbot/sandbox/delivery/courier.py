"""Deliver events to the app, with Slack's three retries and the injected faults."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Coroutine
from functools import partial
from typing import Any

from tierbot.sandbox.delivery.asking import Asker
from tierbot.sandbox.delivery.faults import Faults
from tierbot.sandbox.delivery.httpevents import HttpTransport
from tierbot.sandbox.delivery.hub import Hub
from tierbot.sandbox.delivery.tracking import Tracked, Tracker
from tierbot.sandbox.kit.clock import Timers
from tierbot.sandbox.kit.errors import Undeliverable
from tierbot.sandbox.kit.settings import Settings

_HOUR = 3600.0
_EVENTS_AN_HOUR = 30_000
_LATENCIES = 20_000


class Courier:
    """Delivers events (with retries) and interactions (once)."""

    def __init__(self, transport: Hub | HttpTransport, timers: Timers, settings: Settings, faults: Faults) -> None:
        self._transport = transport
        self._timers = timers
        self._timings = settings.timings
        self._faults = faults
        self._limited = settings.limits
        self._asker = Asker(settings.ask_on_ack) if settings.ask_on_ack else None
        self.tracker = Tracker(timers.clock)
        self._noticed_minute = 0
        self.is_open = False
        self._window: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self.counts: Counter[str] = Counter()

    def event(self, body: dict[str, Any]) -> None:
        """Deliver an event callback in the background."""
        if not self.is_open:  # setting up the workspace sends no events
            return
        self.counts["events"] += 1
        tracked = self.tracker.sent(body)
        if self._faults.plan.events_limited or (self._limited and not self._within_limit()):
            self.counts["rate_limited"] += 1
            tracked.became = "rate_limited"
            self._send_limit_notice(body)
            return
        if self._faults.strikes("drop_event"):
            self.counts["dropped_by_fault"] += 1
            tracked.became = "dropped"
            return
        tracked.under_way = 2 if self._faults.strikes("duplicate_event") else 1
        for _ in range(tracked.under_way):
            self._spawn(self._deliver(body, self._faults.event_delay(), tracked))

    def not_sent(self, kind: str, event_ts: str, why: str) -> None:
        """Record an event that the app isn't told of, such as one in a channel that it isn't in."""
        if self.is_open:
            self.tracker.not_sent(kind, event_ts, why)

    def _send_limit_notice(self, body: dict[str, Any]) -> None:
        """Send `app_rate_limited`, no more than once a minute."""
        minute = int(self._timers.clock.time() // 60 * 60)
        if minute == self._noticed_minute:
            return
        self._noticed_minute = minute
        self.counts["rate_limit_notices"] += 1
        names = ("token", "team_id", "api_app_id")
        notice = {name: body[name] for name in names} | {"type": "app_rate_limited", "minute_rate_limited": minute}
        self._spawn(self._deliver(notice, 0.0))

    def _within_limit(self) -> bool:
        now = self._timers.clock.time()
        while self._window and self._window[0] < now - _HOUR:
            self._window.popleft()
        if len(self._window) >= _EVENTS_AN_HOUR:
            return False
        self._window.append(now)
        return True

    def _heard(self, body: dict[str, Any], tracked: Tracked | None) -> Coroutine[Any, Any, None] | None:
        """Record an acknowledgment as it arrives; return what to wait for before going on."""
        if tracked is None:
            return None
        tracked.acknowledged(self._timers.clock.time())
        return self._asker.ask(body) if self._asker else None

    async def _deliver(self, body: dict[str, Any], delay: float, tracked: Tracked | None = None) -> None:
        if delay:
            await self._timers.sleep(delay)
        reason, heard = "", partial(self._heard, body, tracked)
        for attempt, pause in enumerate((None, *self._timings.retries)):
            if pause is not None:
                self.counts["retries"] += 1
                await self._timers.sleep(pause)
            started = time.perf_counter()
            try:
                await self._transport.offer(
                    "events_api", body, seconds=self._timings.ack, attempt=attempt, reason=reason, heard=heard
                )
            except Undeliverable as failure:
                reason = failure.reason
                if not failure.retry:
                    break
            else:
                self.counts["acknowledged"] += 1
                self._latencies.append(time.perf_counter() - started)
                if tracked is not None:
                    tracked.arrived()
                return
        self.counts["given_up"] += 1
        if tracked is not None:
            tracked.gave_up(reason)

    async def interact(self, kind: str, payload: dict[str, Any]) -> Any:
        """Deliver a command or an interaction once. Raises Undeliverable if the app doesn't answer in three seconds."""
        return await self._transport.offer(kind, payload, seconds=self._timings.interaction)

    def stats(self) -> dict[str, Any]:
        """Return counts, and acknowledgment times in milliseconds."""
        ordered = sorted(self._latencies)
        ack_ms = {
            name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
            for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            if ordered
        }
        asked = {"asked": self._asker.asked, "unanswered": self._asker.unanswered} if self._asker else {}
        return {**self.counts, **asked, "pending": len(self._tasks), "ack_ms": ack_ms}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop delivering."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._asker is not None:
            await self._asker.close()
