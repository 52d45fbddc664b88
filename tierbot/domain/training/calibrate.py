"""Calibrates scores to probabilities on held-out rows.

First, the log odds that a tag is true are fitted as a linear function of its score (Platt, "Probabilistic outputs for
support vector machines", 1999). Normalizing over the tags distorts them, and an exponent corrects that for the event
that matters most: "the likeliest tag is true".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.predict.classifier import normalized

_FEWEST = 20  # rows with a true tag; the others aren't used


@dataclass(frozen=True, slots=True)
class Calibration:
    """p ∝ σ(slope · score + offset)^sharpness."""

    slope: float
    offset: float
    sharpness: float


def calibrate(
    scores: NDArray[np.float64], targets: NDArray[np.float32], weights: NDArray[np.float32], fallback: Calibration
) -> Calibration:
    """Fit to held-out scores, targets (> 0: true) and weights (0: unknown), (n, T); `fallback` with too few."""
    true = (targets > 0) & (weights > 0)
    named = np.flatnonzero(true.any(axis=1))
    if len(named) < _FEWEST:
        return fallback
    odds, true, said = scores[named], true[named], weights[named].astype(np.float64)
    slope, offset = _platt(odds, true, said)
    exponent = best_exponent(normalized(slope * odds + offset, 1.0), true, said.max(axis=1))
    return Calibration(slope, offset, exponent)


def best_exponent(
    probabilities: NDArray[np.float64], true: NDArray[np.bool_], weight: NDArray[np.float64] | NDArray[np.float32]
) -> float:
    """Return the exponent of p, in [0.2, 4.5], that minimizes the log loss of "the likeliest tag is true".

    probabilities, true: (n, T); weight: (n,), how much each row counts.
    """
    from scipy import optimize  # noqa: PLC0415 - slow to import, and only training needs it

    logs = np.log(np.maximum(probabilities, 1e-12))
    rows = np.arange(len(logs))
    top = logs.argmax(axis=1)
    hit = true[rows, top]

    def cost(log_exponent: float) -> float:
        raised = np.exp(logs * np.exp(log_exponent))
        chance = np.clip(raised[rows, top] / raised.sum(axis=1), 1e-6, 1 - 1e-6)
        return float(-(weight * np.where(hit, np.log(chance), np.log1p(-chance))).sum())

    return float(np.exp(optimize.minimize_scalar(cost, bounds=(-1.5, 1.5), method="bounded").x))


def _platt(scores: NDArray[np.float64], true: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import optimize  # noqa: PLC0415 - slow to import, and only training needs it

    said = weights > 0
    score, sign = scores[said], np.where(true[said], 1.0, -1.0)
    share = weights[said] / weights[said].sum()

    def cost(curve: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (curve[0] * score + curve[1])
        pull = -share * sign * np.exp(-np.logaddexp(0.0, margin))
        return float(share @ np.logaddexp(0.0, -margin)), np.array([pull @ score, pull.sum()])

    found = optimize.minimize(cost, np.array([3.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.1, 30), (-20, 20)])
    return float(found.x[0]), float(found.x[1])
