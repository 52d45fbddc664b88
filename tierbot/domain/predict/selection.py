"""Selects the articles to ask about: some always at random, the others where a verdict teaches most.

The random share is a fair sample of the articles that arrive. Articles that wait wouldn't give one: hard ones are asked
about first, so easy ones stay behind. Therefore half of the arriving articles, by a hash of their ids, form a sampling
frame, from which articles are only ever selected at random.

With few verdicts hardly anything teaches more than random selection (Hacohen, Dekel and Weinshall, "Active learning on a
budget", 2022; docs/benchmarks.md). So selection is all random at first, and less so as verdicts accumulate. A small part
of the rest goes to trending stories, carried by the most sources, because readers see those. The remainder is divided
between small margins (Scheffer et al., 2001) and diversity: the point farthest from those already selected (k-center
greedy: Gonzalez 1985; Sener and Savarese, 2018).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import DIVERSE, MARGIN, RANDOM, REST, TRENDING, Selection

_TRENDS_FROM = 2  # sources that must carry a story


@dataclass(frozen=True, slots=True)
class SelectionMix:
    """The shares of the selection strategies; diversity gets the remainder."""

    random: float = 0.3  # of all, after `warmup` verdicts (before that, see `after`)
    margin: float = 0.7  # of the rest
    trending: float = 0.1  # of the rest
    warmup: int = 300
    fair: float = 0.5  # of the arriving articles, for the sampling frame, unless `random` is larger

    def __post_init__(self) -> None:
        if not 0 < self.random <= 1:
            raise ValueError(f"The random share is {self.random:g}; it must be above 0 and at most 1.")
        for name, share in (("margin", self.margin), ("trending", self.trending), ("fair", self.fair)):
            if not 0 <= share <= 1:
                raise ValueError(f"The {name} share is {share:g}; it must be between 0 and 1.")

    def frame(self, article_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which articles are in the sampling frame, (N,). The ids alone decide, so an article stays in or out."""
        share = max(self.fair, self.random)
        return np.array([_uniform(one) < share for one in article_ids], dtype=bool)

    def after(self, verdicts: int) -> "SelectionMix":
        """Return the shares after this many verdicts: all random at first, decreasing linearly over the warm-up."""
        left = max(0.0, 1 - verdicts / self.warmup) if self.warmup else 0.0
        return replace(self, random=self.random + left * (1 - self.random), warmup=0)


def _uniform(article_id: str) -> float:
    """Return a number in [0, 1) that depends on the id alone."""
    digest = hashlib.blake2b(article_id.encode("utf-8", "surrogatepass"), digest_size=8, person=b"frame").digest()
    return int.from_bytes(digest, "big") / 2**64


def select(
    count: int,
    *,
    probabilities: NDArray[np.float64],
    embeddings: NDArray[np.float32],
    framed: NDArray[np.bool_],
    rng: np.random.Generator,
    mix: SelectionMix | None = None,
    sources: NDArray[np.int64] | None = None,
) -> list[tuple[int, Selection]]:
    """Select up to `count` of N candidates; return their rows, each with its strategy and probability.

    probabilities: the model's p, (N, T); embeddings: (N, d), unit length; framed: which are in the sampling frame, (N,)
    (see SelectionMix.frame); sources: how many sources carry each, (N,), or None if nothing trends.

    The random share is drawn first, without replacement, from the F candidates in the frame, with the exact probability
    m/F; if these are too few, further ones are drawn from the others in the same way, as REST. Trending stories follow
    (see `trending`). What remains is determined by the other candidates and those draws, so its conditional probability
    is 1. If all N are selected, the probability is 1. The result is in random order, so its first few are a fair mixture.
    """
    size = len(probabilities)
    if count >= size:
        return [(int(row), Selection(RANDOM if framed[row] else REST, 1.0)) for row in rng.permutation(size)]
    if count <= 0:
        return []
    shares = mix or SelectionMix()
    frame, others = np.flatnonzero(framed), np.flatnonzero(~framed)
    wanted = max(1, round(shares.random * count))
    fair = min(len(frame), max(wanted, count - len(others)))
    chosen = _drawn(RANDOM, frame, fair, rng)
    chosen += _drawn(REST, others, max(0, wanted - fair), rng)
    first = len(chosen)
    left = np.setdiff1d(others, [row for row, _ in chosen])
    if sources is not None:
        trend = trending(left, sources, shares.trending * (count - first), rng)
        chosen += trend
        left = np.setdiff1d(left, [row for row, _ in trend])
    by_margin = min(round(shares.margin * (count - first)), count - len(chosen))
    close = left[np.argsort(margins(probabilities[left]), kind="stable")][:by_margin]
    chosen += [(int(row), Selection(MARGIN, 1.0)) for row in close]
    taken = [row for row, _ in chosen]
    far = farthest(embeddings, taken, np.setdiff1d(left, close), count - len(taken))
    chosen += [(row, Selection(DIVERSE, 1.0)) for row in far]
    return [chosen[int(place)] for place in rng.permutation(len(chosen))]


def _drawn(strategy: str, rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
    """Draw `count` of the rows without replacement."""
    found = rng.choice(rows, count, replace=False) if count else rows[:0]
    return [(int(row), Selection(strategy, count / len(rows))) for row in found]


def trending(
    rows: NDArray[np.int64], sources: NDArray[np.int64], count: float, rng: np.random.Generator
) -> list[tuple[int, Selection]]:
    """Select `count` (≥ 0) of `rows`, on average: those with the most sources, at least two; ties in row order.

    `count` is rounded at random, so that small pushes get their share too: the first ⌊count⌋ stories have probability
    1, the next one has count − ⌊count⌋. Both are exact, given `rows`.
    """
    carried = rows[sources[rows] >= _TRENDS_FROM]
    ranked = carried[np.argsort(-sources[carried], kind="stable")]
    certain = math.floor(count)
    chosen = [(int(row), Selection(TRENDING, 1.0)) for row in ranked[:certain]]
    chance = count - certain
    if chance > 0 and len(ranked) > certain and rng.random() < chance:
        chosen.append((int(ranked[certain]), Selection(TRENDING, chance)))
    return chosen


def margins(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the margin between the two likeliest tags, (N,), in [0, 1]; 1 if there is only one tag."""
    if probabilities.shape[1] < 2:  # noqa: PLR2004
        return np.ones(len(probabilities))
    top = np.partition(probabilities, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


def farthest(embeddings: NDArray[np.float32], taken: Sequence[int], left: NDArray[np.int64], count: int) -> list[int]:
    """Return `count` of the rows `left`, each the farthest from all rows taken before it (unit-length rows, cosine)."""
    vectors = embeddings[left]
    nearest = np.full(len(left), -np.inf, dtype=np.float32)
    for row in taken:
        np.maximum(nearest, vectors @ embeddings[row], out=nearest)
    found: list[int] = []
    for _ in range(min(count, len(left))):
        place = int(np.argmin(nearest))
        found.append(int(left[place]))
        np.maximum(nearest, vectors @ vectors[place], out=nearest)
        nearest[place] = np.inf
    return found
