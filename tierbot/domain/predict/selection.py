"""Which articles colleagues are asked about: some at random always, the rest where asking teaches most.

The random share alone is a fair sample, and while verdicts are few little teaches more (Hacohen, Dekel and Weinshall,
"Active learning on a budget", 2022; docs/benchmarks.md): all is random at first, and less as verdicts come. Of the
rest a small part goes to trending stories, those that most sources carry: they are what readers meet. What is left is
divided between small margins (Scheffer et al., 2001) and diversity, the farthest point from all that was chosen so far
(k-center greedy: Gonzalez 1985; Sener and Savarese, 2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Selection

RANDOM = "random"
TRENDING = "trending"
MARGIN = "margin"
DIVERSE = "diverse"

_TRENDS_FROM = 2  # sources: a story that one alone carries is no trend


@dataclass(frozen=True, slots=True)
class SelectionMix:
    """Shares of what is asked.

    random: of all, once there are `warmup` verdicts (before, see `after`). trending, margin: of what random leaves;
    diversity has the remainder.
    """

    random: float = 0.3
    margin: float = 0.7
    trending: float = 0.1
    warmup: int = 300

    def __post_init__(self) -> None:
        if not 0 < self.random <= 1:
            raise ValueError(f"Share random {self.random:g}: it must be above 0, and at most 1.")
        for name, share in (("margin", self.margin), ("trending", self.trending)):
            if not 0 <= share <= 1:
                raise ValueError(f"Share {name} {share:g}: it is a share of what is not random, from 0 to 1.")

    def after(self, verdicts: int) -> "SelectionMix":
        """Return the shares after so many verdicts: all is random at first, and less so evenly over the warm-up."""
        left = max(0.0, 1 - verdicts / self.warmup) if self.warmup else 0.0
        return replace(self, random=self.random + left * (1 - self.random), warmup=0)


def select(
    count: int,
    *,
    probabilities: NDArray[np.float64],
    embeddings: NDArray[np.float32],
    rng: np.random.Generator,
    mix: SelectionMix | None = None,
    sources: NDArray[np.int64] | None = None,
) -> list[tuple[int, Selection]]:
    """Choose up to `count` of N candidates; return their row numbers with how and how probably each was chosen.

    probabilities: the model's p, (N, T); embeddings: (N, d), unit length; sources: how many sources carry each,
    (N,), without which nothing trends. The random share is drawn first, without replacement from all N: its
    probability, m/N, is exact. Trending stories follow, see `trending`; then the others, deterministically from the
    candidates and those draws, so that their probability, given the draws, is 1. If all N are taken, all are a
    random sample with probability 1. The result's order is random, so that the first few are a fair mixture.
    """
    size = len(probabilities)
    if count >= size:
        return [(int(row), Selection(RANDOM, 1.0)) for row in rng.permutation(size)]
    if count <= 0:
        return []
    shares = mix or SelectionMix()
    first = max(1, round(shares.random * count))
    drawn = [int(row) for row in rng.choice(size, first, replace=False)]
    chosen = [(row, Selection(RANDOM, first / size)) for row in drawn]
    left = np.setdiff1d(np.arange(size), drawn)
    if sources is not None:
        trend = trending(left, sources, shares.trending * (count - first), rng)
        chosen += trend
        left = np.setdiff1d(left, [row for row, _ in trend])
    by_margin = min(round(shares.margin * (count - first)), count - len(chosen))
    close = left[np.argsort(margins(probabilities[left]), kind="stable")][:by_margin]
    chosen += [(int(row), Selection(MARGIN, 1.0)) for row in close]
    taken = [row for row, _ in chosen]
    far = farthest(embeddings, taken, count - len(taken))
    chosen += [(row, Selection(DIVERSE, 1.0)) for row in far]
    return [chosen[int(place)] for place in rng.permutation(len(chosen))]


def trending(
    rows: NDArray[np.int64], sources: NDArray[np.int64], wanted: float, rng: np.random.Generator
) -> list[tuple[int, Selection]]:
    """Choose `wanted` (≥ 0) of `rows`, on average: those that most of `sources`, two or more, carry; first come first.

    `wanted` is rounded at random so that small pushes have their share too: with w = ⌊wanted⌋ the first w
    stories are chosen for certain (probability 1), the next one with probability wanted - w. Both are exact, given
    `rows`.
    """
    carried = rows[sources[rows] >= _TRENDS_FROM]
    ranked = carried[np.argsort(-sources[carried], kind="stable")]
    certain = math.floor(wanted)
    chosen = [(int(row), Selection(TRENDING, 1.0)) for row in ranked[:certain]]
    chance = wanted - certain
    if chance > 0 and len(ranked) > certain and rng.random() < chance:
        chosen.append((int(ranked[certain]), Selection(TRENDING, chance)))
    return chosen


def margins(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the likeliest tag is ahead of the second, (N,), in [0, 1]; with one tag alone, 1."""
    if probabilities.shape[1] < 2:  # noqa: PLR2004
        return np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


def farthest(embeddings: NDArray[np.float32], taken: Sequence[int], count: int) -> list[int]:
    """Return `count` rows, each the farthest from all those taken before it (unit-length rows, cosine)."""
    nearest = np.full(len(embeddings), -np.inf, dtype=np.float32)
    for row in taken:
        np.maximum(nearest, embeddings @ embeddings[row], out=nearest)
    nearest[list(taken)] = np.inf
    found: list[int] = []
    for _ in range(min(count, len(embeddings) - len(taken))):
        row = int(np.argmin(nearest))
        found.append(row)
        np.maximum(nearest, embeddings @ embeddings[row], out=nearest)
        nearest[row] = np.inf
    return found
