"""Statistics that several parts of the domain need."""

from collections.abc import Sequence
from math import exp, fsum, log1p

_STAKE = 0.9  # of the largest stake that can't lose everything
_RICH = 600.0  # the largest log wealth, so that wealth stays finite


def holm(p_values: Sequence[float]) -> list[float]:
    """Return ascending p values corrected for their number (Holm 1979), in the same order."""
    corrected, largest = [], 0.0
    for rank, p_value in enumerate(p_values):
        largest = max(largest, min(1.0, p_value * (len(p_values) - rank)))
        corrected.append(largest)
    return corrected


def e_value(gains: Sequence[float], bound: float, margin: float = 0.0) -> float:
    """Return the evidence against "the mean gain is −margin or less", from gains in [−bound, bound]; margin < bound.

    It is the wealth, at first 1, of a gambler who stakes a fixed share on each gain (Waudby-Smith and Ramdas, JRSS B 2024).
    If the hypothesis holds, it ever reaches 1/α with a probability of at most α, whatever the number of gains and of looks
    (Ville's inequality). The gains' order doesn't matter.
    """
    stake = _STAKE / (bound - margin)
    return exp(min(fsum(log1p(stake * (gain + margin)) for gain in gains), _RICH))
