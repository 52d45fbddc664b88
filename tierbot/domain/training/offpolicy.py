"""Estimates off-policy, from propensities, what another policy would have earned on the logged posts.

Each estimator takes n logged decisions: rewards r (n,) in [0, 1], propensities π₀(a|x) (n,) in (0, 1] of the logged
actions, and the probabilities π(a|x) (n,) in [0, 1] that the evaluated policy gives these actions. They need π₀ > 0
wherever π > 0, which a greedy log doesn't have, and raise OffPolicyError if the log is malformed.

Intervals: importance weights w = π/π₀ have an expected mean of 1. If the log covers the policy's actions poorly, their
mean is below 1, and the variance doesn't show it. Rewards are in [0, 1], so the unseen share 1 − w̄ could have earned
anything in between, and every interval is widened by that (it then contains the estimates from both r and 1 − r).
Without this, 95% intervals covered the truth in 41 to 92% of simulated logs (`python -m tests.benchmarks.off_policy`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Z95, TierbotError, wilson_interval

Numbers = NDArray[np.float64]


class OffPolicyError(TierbotError):
    """A malformed log."""


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """A policy's estimated mean reward with its 95% interval (see the module; not clipped to [0, 1])."""

    method: str
    n: int
    effective_n: float  # (Σw)² / Σw², the effective sample size (Kish, Survey Sampling, 1965), in [0, n]
    value: float | None  # None, as its interval, if effective_n is 0
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Log:
    """n logged decisions, and the evaluated policy's probabilities: see the module."""

    rewards: Numbers
    propensities: Numbers
    targets: Numbers  # π(a|x)


def ips(log: Log) -> PolicyValue:
    """Estimate by inverse propensity scoring (Horvitz & Thompson, JASA 1952): unbiased, with a high variance."""
    weights = _weights(log)
    return _mean("ips", weights * log.rewards, weights)


def snips(log: Log) -> PolicyValue:
    """Estimate by self-normalized IPS, Σw·r / Σw: slightly biased, with a lower variance, in the rewards' range.

    Swaminathan & Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NeurIPS 2015.
    """
    weights = _weights(log)
    total = weights.sum()
    if total == 0:
        return PolicyValue("snips", len(weights), 0.0, None, None, None)
    value = float(weights @ log.rewards / total)
    effective, mean = _effective(weights), float(weights.mean())
    low, high = wilson_interval(value, effective)  # no rewards in [0, 1] with this mean vary more than a share
    seen = min(1.0, mean)
    return PolicyValue("snips", len(weights), effective, value, seen * low, seen * high + 1 - seen)


def doubly_robust(log: Log, predicted: Numbers, expected: Numbers) -> PolicyValue:
    """Estimate by the doubly robust method: unbiased if either the propensities or the reward model is right.

    predicted: (n,), a reward model's q(x, a) for the logged actions; expected: (n,), its Σ_a π(a|x)·q(x, a). The mean
    of expected + w·(r − predicted). Dudík, Langford & Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011.
    """
    weights = _weights(log)
    if predicted.shape != weights.shape or expected.shape != weights.shape:
        raise OffPolicyError(
            f"The reward model gives {predicted.shape} and {expected.shape} for {weights.shape} posts."
        )
    assumed = float(expected.mean()) if len(expected) else 0.0
    return _mean("dr", expected + weights * (log.rewards - predicted), weights, assumed)


def _weights(log: Log) -> Numbers:
    shape = log.rewards.shape
    if len(shape) != 1 or log.propensities.shape != shape or log.targets.shape != shape:
        raise OffPolicyError(
            f"Rewards {shape}, propensities {log.propensities.shape} and targets {log.targets.shape} differ in shape."
        )
    if not all(np.isfinite(part).all() for part in (log.rewards, log.propensities, log.targets)):
        raise OffPolicyError("A reward or a probability isn't a number. Export the dataset again.")
    if (log.propensities <= 0).any() or (log.propensities > 1).any():
        place = int(np.flatnonzero((log.propensities <= 0) | (log.propensities > 1))[0])
        raise OffPolicyError(
            f"The propensity of decision {place} is {log.propensities[place]:g}, but must be in (0, 1]. Leave it out."
        )
    return np.asarray(log.targets / log.propensities)


def _mean(method: str, terms: Numbers, weights: Numbers, assumed: float = 0.0) -> PolicyValue:
    """Return the mean of the terms; the unseen share counts as `assumed`, in [0, 1], but may have earned 0 or 1."""
    n = len(terms)
    if n == 0:
        return PolicyValue(method, 0, 0.0, None, None, None)
    error = Z95 * float(terms.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    unseen = 1 - float(weights.mean())
    below, above = (assumed, 1 - assumed) if unseen > 0 else (1 - assumed, assumed)
    value = float(terms.mean())
    low, high = value - error - abs(unseen) * below, value + error + abs(unseen) * above
    return PolicyValue(method, n, _effective(weights), value, low, high)


def _effective(weights: Numbers) -> float:
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0
