"""Measures a model's accuracy, and decides whether a challenger replaces the champion.

Accuracy uses progressive validation: predictions from before the verdict. It needs no held-out set, and nobody can
tune to it. Challenger and champion are compared pairwise, on verdicts that neither has learned from.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, TypeAlias

from tierbot.domain.nouns import RANDOM, Arm, Estimate, Outcome, SettledPost, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORSE_P = 0.1
WORSE_BY = 0.02
FEWEST = round(1 / WORSE_BY)  # with fewer, a single post would count more than WORSE_BY

_ENOUGH = 3  # settled posts of a tag before it is mentioned
_NAMED = 3  # tags in each list, because announcements must be short
_STRUGGLES_BELOW = 0.5


def hit(top_tag: str, shown_tag: str, verdict: Verdict) -> bool | None:
    """Return whether the model's likeliest tag was right; None if the verdict is about other tags or none."""
    if verdict.outcome is Outcome.NAMED:
        return top_tag in verdict.tags
    if verdict.outcome is Outcome.WRONG and top_tag == shown_tag:
        return False
    return None


def accuracy(settled: Iterable[SettledPost], *, arm: Arm | None = None, random_only: bool = False) -> Estimate:
    """Return the share of posts whose likeliest tag was right. Arm.BLANK with random_only gives the unbiased figure."""
    found = [
        hit(item.top_tag, item.post.shown_tag, item.verdict)
        for item in settled
        if (arm is None or item.post.arm is arm) and (not random_only or item.selection.strategy == RANDOM)
    ]
    hits = [one for one in found if one is not None]
    return Estimate.of_share(sum(hits), len(hits))


def is_unbiased(item: SettledPost) -> bool:
    """Return whether a post measures accuracy without bias: blank, selected at random, settled to named tags."""
    return item.post.arm is Arm.BLANK and item.selection.strategy == RANDOM and item.verdict.outcome is Outcome.NAMED


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote the challenger, and the evidence."""

    promote: bool
    reason: str
    n: int  # verdicts
    challenger: float | None  # its accuracy
    champion: float | None
    difference: float | None  # challenger − champion
    wins: int  # verdicts on which only the challenger was right
    losses: int
    p_value: float | None  # see `worse_p`
    overtaken: bool = False  # the champion it was compared with went out of service meanwhile


Hits: TypeAlias = "Sequence[bool] | NDArray[np.bool_]"


def judge(challenger_hits: Hits, champion_hits: Hits) -> Decision:
    """Compare two models' hits on the same verdicts; refuse a challenger that is worse.

    It is worse if the exact one-sided sign test on the verdicts where they differ (McNemar, Psychometrika 1947) has
    p < 0.1, or if the estimate is below −2 points on at least 50 verdicts. With too little evidence it is promoted, and
    the reason says so.
    """
    n = len(challenger_hits)
    if n != len(champion_hits):
        raise ValueError(f"Can't compare {n} hits with {len(champion_hits)}.")
    if n == 0:
        reason = "promoted: no unbiased verdict is new to both models, so there is no evidence against it"
        return Decision(True, reason, 0, None, None, None, 0, 0, None)
    pairs = Counter((bool(ours), bool(theirs)) for ours, theirs in zip(challenger_hits, champion_hits, strict=True))
    wins, losses = pairs[True, False], pairs[False, True]
    p_value = worse_p(wins, losses)
    difference = (wins - losses) / n
    evidence = f"{100 * difference:+.1f} points on {n} unbiased verdicts ({wins} won, {losses} lost, p = {p_value:.3f})"
    if p_value < WORSE_P:
        promote, reason = False, f"refused: {evidence}; significantly worse"
    elif n < FEWEST:
        promote, reason = True, f"promoted: {evidence}; too few to tell"
    elif difference < -WORSE_BY:
        promote, reason = False, f"refused: {evidence}; more than two points worse"
    else:
        promote, reason = True, f"promoted: {evidence}"
    both = pairs[True, True]
    return Decision(promote, reason, n, (both + wins) / n, (both + losses) / n, difference, wins, losses, p_value)


def worse_p(wins: int, losses: int) -> float:
    """Return the probability of as many losses or more if the challenger is no worse: the exact one-sided sign test."""
    tosses = wins + losses  # of a fair coin; scipy.stats has this test, too, but takes half a second to import
    return float(sum(comb(tosses, heads) for heads in range(losses, tosses + 1)) / 2**tosses)


def hits_by_tag(judged: Iterable[tuple[str, Verdict]]) -> dict[str, tuple[int, int]]:
    """Return (hits, posts) by true tag, from (top tag, verdict); a hit counts for all of a post's true tags."""
    hits: dict[str, int] = defaultdict(int)
    posts: dict[str, int] = defaultdict(int)
    for top_tag, verdict in judged:
        if verdict.outcome is Outcome.NAMED:
            for tag in verdict.tags:
                posts[tag] += 1
                hits[tag] += top_tag in verdict.tags
    return {tag: (hits[tag], count) for tag, count in posts.items()}


def improved_and_struggling(
    now: Mapping[str, tuple[int, int]], before: Mapping[str, tuple[int, int]]
) -> tuple[list[str], list[str]]:
    """Return up to three tags with the largest gain in hit rate, and with the lowest; each with three posts or more."""
    rate = {tag: hits / posts for tag, (hits, posts) in now.items() if posts >= _ENOUGH}
    gain = {tag: rate[tag] - before[tag][0] / before[tag][1] for tag in rate if before.get(tag, (0, 0))[1] >= _ENOUGH}
    improved = sorted((tag for tag in gain if gain[tag] > 0), key=lambda tag: (-gain[tag], tag))
    struggling = sorted((tag for tag in rate if rate[tag] < _STRUGGLES_BELOW), key=lambda tag: (rate[tag], tag))
    return improved[:_NAMED], struggling[:_NAMED]
