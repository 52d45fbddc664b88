"""Statistics that several parts of the domain need."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return ascending p values corrected for their number (Holm 1979), in the same order."""
    corrected, largest = [], 0.0
    for rank, p_value in enumerate(p_values):
        largest = max(largest, min(1.0, p_value * (len(p_values) - rank)))
        corrected.append(largest)
    return corrected
