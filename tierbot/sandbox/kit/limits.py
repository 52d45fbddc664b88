"""Slack's rate limits per method and workspace, enforced only on request."""

import math

_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
_POST_BURST = 5
_ROUNDING = 1e-6
_HISTORY = frozenset({"conversations.history", "conversations.replies"})


class RateLimits:
    """Token buckets: bursts may use up a tier's calls for a minute; each channel gets one post a second."""

    def __init__(self, *, enabled: bool, history: float = 60.0) -> None:
        """`history`: seconds between calls to a history method while those are reduced."""
        self._enabled = enabled
        self._history = history
        self._levels: dict[str, tuple[float, float]] = {}  # tokens left, and when

    def retry_after(self, method: str, tier: int, channel: str, now: float, *, reduced: bool = False) -> int:
        """Return 0 if the call is allowed, or the seconds to wait before retrying.

        reduced: history as for a commercially distributed app outside the Marketplace, one call a minute.
        """
        if reduced and method in _HISTORY:
            return self._take(f"{method} reduced", 1.0, 1 / self._history, now)
        if not self._enabled:
            return 0
        if method in {"chat.postMessage", "chat.postEphemeral"}:
            key, capacity, per_second = f"{method} {channel}", float(_POST_BURST), 1.0
        elif tier:
            key, capacity, per_second = method, float(_PER_MINUTE[tier]), _PER_MINUTE[tier] / 60
        else:
            return 0
        return self._take(key, capacity, per_second, now)

    def _take(self, key: str, capacity: float, per_second: float, now: float) -> int:
        before, updated = self._levels.get(key, (capacity, now))
        level = min(capacity, before + (now - updated) * per_second)
        allowed = level >= 1 - _ROUNDING
        self._levels[key] = (level - allowed, now)
        return 0 if allowed else math.ceil((1 - level) / per_second - _ROUNDING)
