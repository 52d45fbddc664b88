"""Slack's rate limits per method and workspace, enforced only on request."""

import math

_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
_POST_BURST = 5


class RateLimits:
    """Token buckets: bursts may use up a tier's calls for a minute; each channel gets one post a second."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._levels: dict[str, tuple[float, float]] = {}  # tokens left, and when

    def retry_after(self, method: str, tier: int, channel: str, now: float) -> int:
        """Return 0 if the call is allowed, or the seconds to wait before retrying."""
        if not self._enabled:
            return 0
        if method in {"chat.postMessage", "chat.postEphemeral"}:
            key, capacity, per_second = f"{method} {channel}", float(_POST_BURST), 1.0
        elif tier:
            key, capacity, per_second = method, float(_PER_MINUTE[tier]), _PER_MINUTE[tier] / 60
        else:
            return 0
        before, updated = self._levels.get(key, (capacity, now))
        level = min(capacity, before + (now - updated) * per_second)
        allowed = level >= 1
        self._levels[key] = (level - allowed, now)
        return 0 if allowed else math.ceil((1 - level) / per_second)
