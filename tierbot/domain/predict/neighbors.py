"""Lets the nearest judged stories vote, for stories that continue.

A follow-up to a story that colleagues judged last week has the same tags, whatever its words suggest. A
nearest-neighbor vote complements the linear scores (as in Khandelwal et al., "Generalization through Memorization",
ICLR 2020). It is trusted as far as similarity proved right on held-out rows; without a near story, it doesn't count.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SPREAD = 0.05  # a neighbor whose cosine is this much lower than the nearest's has 1/e of its weight
MOST_TRUST = 0.95  # because a verdict can be wrong
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Neighbors:
    """M judged stories. The trust in a neighbor at cosine s is 0.95 σ(steepness (s − middle))."""

    embeddings: NDArray[np.float16]  # (M, d), unit length
    tags: NDArray[np.float16]  # (M, T), each story's true tags; rows sum to 1, or to 0 if its tags were retired
    steepness: float = 30.0
    middle: float = 2.0  # above any cosine: no trust
    focus: float = 1.0  # the exponent that recalibrates the mixture of scores and votes, which is underconfident

    def __len__(self) -> int:
        return int(self.embeddings.shape[0])

    def numbers(self) -> dict[str, float]:
        """Return the parameters that aren't arrays, as JSON."""
        return {"steepness": self.steepness, "middle": self.middle, "focus": self.focus}

    @classmethod
    def empty(cls, dimension: int, tags: int) -> "Neighbors":
        """Return neighbors without any story."""
        return cls(np.zeros((0, dimension), np.float16), np.zeros((0, tags), np.float16))

    def over(self, places: NDArray[np.intp]) -> "Neighbors":
        """Return the same stories with the given columns of tags; −1 means a new tag."""
        tags = np.where(places >= 0, self.tags[:, places], np.float16(0)).astype(np.float16)
        return replace(self, tags=tags)

    def trust(self, similarity: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the trust in a nearest neighbor at these cosines, in [0, 0.95]."""
        return MOST_TRUST * 0.5 * (1 + np.tanh(0.5 * self.steepness * (similarity.astype(np.float64) - self.middle)))

    def vote(
        self, embeddings: NDArray[np.float32], itself: NDArray[np.intp] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the nearest story's cosine, (n,), and the near stories' vote over the tags, (n, T).

        itself: (n,), the story to leave out for each text, because it is the same (−1: none).
        """
        nearest = np.full(len(embeddings), -1, np.float32)
        votes = np.zeros((len(embeddings), self.tags.shape[1]), np.float32)
        tags = self.tags.astype(np.float32)
        usable = np.flatnonzero(tags.any(axis=1))
        if not len(usable):
            return nearest, votes
        stories, tags = self.embeddings[usable].astype(np.float32), tags[usable]
        for begin in range(0, len(embeddings), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            cosines = embeddings[part] @ stories.T
            if itself is not None:
                cosines[itself[part, None] == usable[None, :]] = -1
            nearest[part] = cosines.max(axis=1)
            weights = np.exp((cosines - nearest[part, None]) / np.float32(SPREAD))
            votes[part] = weights @ tags / (weights @ tags.sum(axis=1, keepdims=True))
        return nearest, votes

    def blended(self, probabilities: NDArray[np.float64], embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mix the neighbors' vote into p, (n, T), according to their trust; rows still sum to 1."""
        if not len(self) or self.middle > 1:
            return probabilities
        return self.mixed(probabilities, *self.vote(embeddings))

    def mixed(
        self, probabilities: NDArray[np.float64], nearest: NDArray[np.float32], votes: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Mix p, (n, T), with the results of `vote` for the same texts."""
        trust = (self.trust(nearest) * (votes.sum(axis=1) > 0))[:, None]
        found = ((1 - trust) * probabilities + trust * votes) ** self.focus
        return np.asarray(found / found.sum(axis=1, keepdims=True))
