"""When a first stage hands an article on: by what its answer is expected to lose, not by how unsure it is.

The model may be as unsure of the same article, and then nothing is gained by asking it. So what would be lost is foreseen
from the first stage's own probabilities (post-hoc deferral: Jitkrittum et al., "When does confidence-based cascade
deferral suffice?", NeurIPS 2023). It is learned in training.defer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALL = 2.0
"""A threshold that every article is below: more than can be lost."""


@dataclass(frozen=True, slots=True)
class Deferral:
    """A linear rule over `signs`, for T tags in the order in which it was learned.

    weights: one for each sign. threshold: an article is settled if less is expected to be lost.
    """

    weights: NDArray[np.float32]
    threshold: float

    def expected_loss(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much the model's p of each answer is expected to be below its p of its own, (n,), at most 1.

        probabilities: (n, T), what the first stage says.
        """
        return np.asarray(np.minimum(signs(probabilities) @ self.weights.astype(np.float64), 1.0))

    def settled(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of the answers, (n, T), stand."""
        return np.asarray(self.expected_loss(probabilities) < self.threshold)


def signs(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what tells how much an answer may lose, (n, 9 + 2T), for probabilities (n, T).

    A constant; the likeliest tag's p, the second's, the entropy, and five of their products; then how much each tag lacks
    of certainty if it is the likeliest, and twice each one's p if it is the second. They are scaled for a ridge that
    shrinks all alike: the first nine should bend freely, the tags' own only where many articles say so.
    """
    rows, tags = np.arange(len(probabilities)), probabilities.shape[1]
    first = probabilities.argmax(axis=1)
    others = probabilities.copy()
    others[rows, first] = 0.0
    second = others.argmax(axis=1)
    p, q = probabilities[rows, first], others[rows, second]
    entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1)
    found = np.zeros((len(rows), 9 + 2 * tags))
    found[:, :9] = 10 * np.column_stack(
        [np.ones(len(rows)), p, q, entropy, p * p, p * q, q * q, entropy * p, entropy * q]
    )
    found[rows, 9 + first] = 1 - p
    found[rows, 9 + tags + second] = 2 * q
    return found
