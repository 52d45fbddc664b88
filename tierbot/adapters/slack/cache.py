"""Caches answers from Slack or the database for a limited time."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from tierbot.use_cases.ports import Clock

_K = TypeVar("_K")
_V = TypeVar("_V")
_MOST = 10_000  # answers


class Cache(Generic[_K, _V]):
    """Answers by key, each kept for `lifetime`. Thread-safe."""

    def __init__(self, clock: Clock, lifetime: timedelta) -> None:
        self._clock = clock
        self._lifetime = lifetime.total_seconds()
        self._known: dict[_K, tuple[float, _V]] = {}
        self._lock = threading.Lock()

    def get(self, key: _K, look_up: Callable[[], _V]) -> _V:
        """Return the answer for a key, looked up if it isn't known."""
        now = self._clock.monotonic()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        found = look_up()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (now + self._lifetime, found)
        return found

    def clear(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._known.clear()
