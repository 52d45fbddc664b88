"""Drift, tag by tag: which topic became commoner or rarer, and which the model knows less well than before.

Two windows of settled posts are compared, the newest ones with those before them, and only posts that were chosen at
random: what else is asked about follows the model, which changes. Of each tag its share of the verdicts is tested both
ways; the model's precision and recall only for a fall, since retraining is meant to raise them. Fisher's exact tests
(Fisher 1922), all of them together under Holm's correction (1979): on a stream that stands still the chance of any
false alarm is at most `FALSE_ALARMS` at each look.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import comb
from typing import Any

from tierbot.domain.nouns import Outcome, SettledPost
from tierbot.domain.predict.selection import RANDOM
from tierbot.domain.statistics import holm

FALSE_ALARMS = 0.05
RECENT, BEFORE = 150, 450
"""Posts in the newer window, and at most so many in the older one."""

FEWEST = 40  # posts in each window: with fewer no difference between two shares could be told


class Changed(StrEnum):
    """What changed about a tag."""

    PRIOR = "share"  # of the verdicts that name it
    PRECISION = "precision"  # of the posts that the model held it likeliest for, the share that it is true of
    RECALL = "recall"  # of the posts that it is true of, the share that the model got right


@dataclass(frozen=True, slots=True)
class Signal:
    """A tag that drifts: `now` of `now_of` posts, where it was `before` of `before_of`; p_value corrected by Holm."""

    tag: str
    changed: Changed
    before: int
    before_of: int
    now: int
    now_of: int
    p_value: float

    def in_words(self) -> str:
        """Return it as a sentence without its full stop."""
        was, is_ = (100 * hits / of for hits, of in ((self.before, self.before_of), (self.now, self.now_of)))
        return f"{self.tag}: {self.changed} {was:.0f} % → {is_:.0f} % ({self.now} of {self.now_of} posts)"


@dataclass(frozen=True, slots=True)
class Drift:
    """What two windows say. signals: the most surprising first; none also where there are too few posts to tell."""

    recent: int
    before: int
    signals: tuple[Signal, ...]

    @property
    def enough(self) -> bool:
        """Whether there were enough posts to tell anything."""
        return min(self.recent, self.before) >= FEWEST

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self) | {"enough": self.enough}


def drift_of(settled: Iterable[SettledPost]) -> Drift:
    """Compare the newest settled posts with those before; the posts come oldest first."""
    told = [
        (item.top_tag, frozenset(item.verdict.tags))
        for item in settled
        if item.selection.strategy == RANDOM and item.verdict.outcome is Outcome.NAMED
    ]
    recent, before = told[-RECENT:], told[:-RECENT][-BEFORE:]
    if min(len(recent), len(before)) < FEWEST:
        return Drift(len(recent), len(before), ())
    tests = sorted(_tests(before, recent), key=lambda test: test.p_value)
    corrected = zip(tests, holm([test.p_value for test in tests]), strict=True)
    signals = (replace(test, p_value=p) for test, p in corrected if p <= FALSE_ALARMS)
    return Drift(len(recent), len(before), tuple(signals))


Told = tuple[str, frozenset[str]]  # the model's likeliest tag, and the true ones


def _tests(before: Sequence[Told], recent: Sequence[Told]) -> list[Signal]:
    found = []
    for tag in sorted({tag for top, true in (*before, *recent) for tag in (top, *true)}):
        was, now = _counts(before, tag), _counts(recent, tag)
        for changed, (k0, n0), (k1, n1) in zip(Changed, was, now, strict=True):
            if not n0 or not n1 or not 0 < k0 + k1 < n0 + n1:
                continue  # nothing can have changed
            p_value = fisher_exact(k0, n0, k1, n1, both_ways=changed is Changed.PRIOR)
            found.append(Signal(tag, changed, k0, n0, k1, n1, p_value))
    return found


def fisher_exact(k0: int, n0: int, k1: int, n1: int, *, both_ways: bool) -> float:
    """Return the p value of Fisher's exact test of k0 of n0 against k1 of n1 (0 ≤ k ≤ n).

    Both ways: are the shares different; else: is the first one higher. In whole numbers, so ties are ties.
    """
    # scipy.stats has it, too, and takes half a second of each start to import.
    k, ways = k0 + k1, [comb(n0, x) * comb(n1, k0 + k1 - x) if x <= k0 + k1 else 0 for x in range(n0 + 1)]
    counted = [one for one in ways if one <= ways[k0]] if both_ways else ways[k0:]
    return sum(counted) / comb(n0 + n1, k)


def _counts(told: Sequence[Told], tag: str) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return (hits, of) of the tag's share, of the model's precision and of its recall.

    A post with several true tags is got right by any of them.
    """
    called = [tag in true for top, true in told if top == tag]
    named = [top in true for top, true in told if tag in true]
    return (len(named), len(told)), (sum(called), len(called)), (sum(named), len(named))
