"""The sandbox's clock, which tests can move forward, and the timers that follow it.

Redeliveries, command deadlines and trigger expiry all wait on `Timers`, so tests move the clock instead of sleeping.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch from `base`, plus whatever `advance` added."""

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._offset = 0.0

    def time(self) -> float:
        """Return the sandbox's seconds since the epoch."""
        return self._base() + self._offset

    def now(self) -> datetime:
        """Return the sandbox's time, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), tz=UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Raises ValueError for negative seconds."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._offset += seconds


class Timer:
    """A callback that fires at `deadline` unless it is canceled."""

    def __init__(self, timers: "Timers", deadline: float, callback: Callable[[], None]) -> None:
        self._timers = timers
        self._deadline = deadline
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None
        self._left = 0.0

    def arm(self) -> None:
        """(Re)start waiting, based on the clock's current time."""
        if self._handle is not None:
            self._handle.cancel()
        delay = max(0.0, self._deadline - self._timers.clock.time())
        self._handle = asyncio.get_running_loop().call_later(delay, self._fire)

    def cancel(self) -> None:
        """Cancel the timer."""
        if self._handle is not None:
            self._handle.cancel()
        self._timers.open.discard(self)

    def stop(self) -> None:
        """Let no time pass for this timer until `go_on`."""
        self.cancel()
        self._left = self._deadline - self._timers.clock.time()

    def go_on(self) -> None:
        """Wait for the rest of the time."""
        self._deadline = self._timers.clock.time() + self._left
        self._timers.open.add(self)
        self.arm()

    def _fire(self) -> None:
        self._timers.open.discard(self)
        self._callback()


class Timers:
    """All timers of one clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.open: set[Timer] = set()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` once the clock has moved by `seconds`."""
        timer = Timer(self, self.clock.time() + seconds, callback)
        self.open.add(timer)
        timer.arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved by `seconds`."""
        done = asyncio.Event()
        timer = self.call_later(seconds, done.set)
        try:
            await done.wait()
        finally:
            timer.cancel()

    def advance(self, seconds: float) -> None:
        """Move the clock forward and fire the timers that are due."""
        self.clock.advance(seconds)
        for timer in list(self.open):
            timer.arm()
