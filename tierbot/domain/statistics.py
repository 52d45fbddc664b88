"""Statistics that several parts of the domain need."""

from collections.abc import Sequence
from math import hypot

from tierbot.domain.nouns import Estimate


def holm(p_values: Sequence[float]) -> list[float]:
    """Return ascending p values corrected for their number (Holm 1979), in the same order."""
    corrected, largest = [], 0.0
    for rank, p_value in enumerate(p_values):
        largest = max(largest, min(1.0, p_value * (len(p_values) - rank)))
        corrected.append(largest)
    return corrected


def change(now: Estimate, before: Estimate) -> Estimate | None:
    """Return the difference of two independent shares with its 95% interval, in [−1, 1]; None if one is unknown.

    The interval is Newcombe's, made of the shares' own Wilson intervals (Statistics in Medicine 1998).
    """
    if now.value is None or now.low is None or now.high is None:
        return None
    if before.value is None or before.low is None or before.high is None:
        return None
    value = now.value - before.value
    low = value - hypot(now.value - now.low, before.high - before.value)
    high = value + hypot(now.high - now.value, before.value - before.low)
    return Estimate(n=now.n + before.n, value=value, low=low, high=high)


def is_chance(found: Estimate) -> bool:
    """Return whether a change may be chance: its interval includes 0."""
    return found.low is None or found.high is None or found.low <= 0 <= found.high
