"""Slack's rate limits, per method and workspace; in force only when asked for."""

import math
from dataclasses import dataclass

_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
_POST_BURST = 5


@dataclass(slots=True)
class _Bucket:
    capacity: float
    per_second: float
    level: float
    updated: float

    def take(self, now: float) -> float:
        """Take one; return 0, or the seconds until there is one."""
        self.level = min(self.capacity, self.level + (now - self.updated) * self.per_second)
        self.updated = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.per_second


class RateLimits:
    """Token buckets: a tier's minute's worth may come at once; posting is one a second and channel."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._buckets: dict[str, _Bucket] = {}

    def retry_after(self, method: str, tier: int, channel: str, now: float) -> int:
        """Return 0 if the call may pass, or after how many seconds to come again."""
        if not self.enabled:
            return 0
        if method in {"chat.postMessage", "chat.postEphemeral"}:
            key, capacity, per_second = f"{method} {channel}", float(_POST_BURST), 1.0
        elif tier:
            key, capacity, per_second = method, float(_PER_MINUTE[tier]), _PER_MINUTE[tier] / 60
        else:
            return 0
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(capacity, per_second, capacity, now)
        return math.ceil(bucket.take(now))
