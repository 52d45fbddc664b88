"""Detects drift tag by tag: topics that became more or less common, and those that the model knows less well.

The newest settled posts are compared with those before, using only randomly selected posts, because other selection
depends on the model. Each tag's share of the verdicts is tested both ways, but the model's precision and recall only for
a drop, because retraining should raise them. Fisher's exact tests (1922) with Holm's correction (1979) for all of them:
without drift, the probability of any false alarm is at most `FALSE_ALARMS` each time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import comb
from typing import Any

from tierbot.domain.nouns import RANDOM, Outcome, SettledPost
from tierbot.domain.statistics import holm

FALSE_ALARMS = 0.05
RECENT, BEFORE = 150, 450
"""Posts in the newer window, and the maximum number of posts in the older one."""

FEWEST = 40  # posts in each window: with fewer, no difference would be significant


class Changed(StrEnum):
    """What changed about a tag."""

    PRIOR = "share"  # the share of verdicts that name it
    PRECISION = "precision"  # of the posts with this top tag, the share for which it is true
    RECALL = "recall"  # of the posts for which it is true, the share that the model got right


@dataclass(frozen=True, slots=True)
class Signal:
    """A tag that drifts: from `before` of `before_of` posts to `now` of `now_of`; p_value is corrected (Holm)."""

    tag: str
    changed: Changed
    before: int
    before_of: int
    now: int
    now_of: int
    p_value: float

    def in_words(self) -> str:
        """Return the signal as a sentence without its period."""
        was, is_ = (100 * hits / of for hits, of in ((self.before, self.before_of), (self.now, self.now_of)))
        return f"{self.tag}: {self.changed} {was:.0f}% → {is_:.0f}% ({self.now} of {self.now_of} posts)"


@dataclass(frozen=True, slots=True)
class Drift:
    """The result of comparing two windows. signals: most surprising first; also empty if there are too few posts."""

    recent: int
    before: int
    signals: tuple[Signal, ...]

    @property
    def enough(self) -> bool:
        """Whether there were enough posts for a test."""
        return min(self.recent, self.before) >= FEWEST

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return asdict(self) | {"enough": self.enough}


def drift_of(settled: Iterable[SettledPost]) -> Drift:
    """Compare the newest settled posts with those before; `settled` is oldest first."""
    posts = [
        (item.top_tag, frozenset(item.verdict.tags))
        for item in settled
        if item.selection.strategy == RANDOM and item.verdict.outcome is Outcome.NAMED
    ]
    recent, before = posts[-RECENT:], posts[:-RECENT][-BEFORE:]
    if min(len(recent), len(before)) < FEWEST:
        return Drift(len(recent), len(before), ())
    tests = sorted(_tests(before, recent), key=lambda test: test.p_value)
    corrected = zip(tests, holm([test.p_value for test in tests]), strict=True)
    signals = (replace(test, p_value=p) for test, p in corrected if p <= FALSE_ALARMS)
    return Drift(len(recent), len(before), tuple(signals))


_Settled = tuple[str, frozenset[str]]  # the model's likeliest tag, and the true tags


def _tests(before: Sequence[_Settled], recent: Sequence[_Settled]) -> list[Signal]:
    found = []
    for tag in sorted({tag for top, true in (*before, *recent) for tag in (top, *true)}):
        was, now = _counts(before, tag), _counts(recent, tag)
        for changed, (k0, n0), (k1, n1) in zip(Changed, was, now, strict=True):
            if not n0 or not n1 or not 0 < k0 + k1 < n0 + n1:
                continue  # no change is possible
            p_value = fisher_exact(k0, n0, k1, n1, both_ways=changed is Changed.PRIOR)
            found.append(Signal(tag, changed, k0, n0, k1, n1, p_value))
    return found


def fisher_exact(k0: int, n0: int, k1: int, n1: int, *, both_ways: bool) -> float:
    """Return p of Fisher's exact test: k0 of n0 and k1 of n1 differ, or unless both_ways, the first is higher."""
    # scipy.stats has this, too, but takes half a second to import.
    k, ways = k0 + k1, [comb(n0, x) * comb(n1, k0 + k1 - x) if x <= k0 + k1 else 0 for x in range(n0 + 1)]
    counted = [one for one in ways if one <= ways[k0]] if both_ways else ways[k0:]
    return sum(counted) / comb(n0 + n1, k)


def _counts(posts: Sequence[_Settled], tag: str) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return (hits, of) for the tag's share, precision and recall; any of several true tags is right."""
    predicted = [tag in true for top, true in posts if top == tag]
    named = [top in true for top, true in posts if tag in true]
    return (len(named), len(posts)), (sum(predicted), len(predicted)), (sum(named), len(named))
