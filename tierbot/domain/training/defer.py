"""Learns when a first stage hands an article on, from articles that it did not learn from."""

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.predict.deferral import ALL, Deferral, signs

_RIDGE = 30.0
_PARTS = 5


def deferral_of(
    answered: NDArray[np.float64], said: NDArray[np.float64], allowed: float
) -> tuple[Deferral, float, float]:
    """Return the rule, the share of articles that it settles, and what that gives up on average (at most `allowed`).

    answered, said: (n, T), the first stage's and the model's probabilities of the same articles. How much may be lost is
    decided by rules that did not see the articles they are asked about.
    """
    lost, seen = given_up(answered, said), signs(answered)
    part = np.arange(len(lost)) % _PARTS
    foreseen = np.zeros(len(lost))
    for left_out in range(_PARTS):
        out = part == left_out
        if not out.all():
            foreseen[out] = seen[out] @ _ridge(seen[~out], lost[~out])
    threshold, settles, gives_up = threshold_of(np.minimum(foreseen, 1.0), lost, allowed)
    return Deferral(_ridge(seen, lost).astype(np.float32), threshold), settles, gives_up


def given_up(answered: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much the model's p of each answer's likeliest tag is below that of its own, (n,), from 0 to 1."""
    return np.asarray(said.max(axis=1) - said[np.arange(len(said)), answered.argmax(axis=1)])


def threshold_of(
    foreseen: NDArray[np.float64], lost: NDArray[np.float64], allowed: float
) -> tuple[float, float, float]:
    """Return below which expected loss answers stand, the share of them, and what they give up (at most `allowed`).

    foreseen, lost: (n,), what n answers were expected to lose, at most 1, and what they do lose.
    """
    order = np.argsort(foreseen, kind="stable")
    sums = np.cumsum(lost[order]) / len(lost)
    settled = int(np.searchsorted(sums, allowed, side="right"))
    if settled == len(lost):
        return ALL, 1.0, float(sums[-1])
    threshold = float(foreseen[order[settled]])
    settled = int((foreseen < threshold).sum())  # of equal ones all, or none
    return threshold, settled / len(lost), float(sums[settled - 1]) if settled else 0.0


def _ridge(seen: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), seen.T @ wanted))
