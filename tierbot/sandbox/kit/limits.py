"""Slack's rate limits per method and workspace, enforced only on request."""

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
        """Take a token and return 0, or return the seconds until one is available."""
        self.level = min(self.capacity, self.level + (now - self.updated) * self.per_second)
        self.updated = now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.per_second


class RateLimits:
    """Token buckets: bursts may use up a tier's calls for a minute; each channel gets one post a second."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._buckets: dict[str, _Bucket] = {}

    def retry_after(self, method: str, tier: int, channel: str, now: float) -> int:
        """Return 0 if the call is allowed, or the seconds to wait before retrying."""
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
