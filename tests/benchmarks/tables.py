"""Means with their intervals, as the benchmarks print them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_RESAMPLES = 2000


@dataclass(frozen=True)
class Spread:
    """A mean and its 95% interval (NaN where it cannot be known), from `count` values."""

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        """Return, for example, ".641 [.632, .650] (5)"."""
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}] ({self.count})"


def mean_and_interval(values: Sequence[float]) -> Spread:
    """Return the mean of independent repeats with Student's interval."""
    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return Spread(mean, float("nan"), float("nan"), count)
    half = float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
    return Spread(mean, mean - half, mean + half, count)


def paired_interval(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Spread:
    """Return the difference of two accuracies on the same rows, with its bootstrap interval over those rows."""
    gain = ours.astype(float) - theirs
    rng = np.random.default_rng(0)
    drawn = [gain[rng.integers(len(gain), size=len(gain))].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Spread(float(gain.mean()), float(low), float(high), len(gain))
