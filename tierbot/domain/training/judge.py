"""Measures a model's accuracy, and decides whether a challenger replaces the champion.

Accuracy uses progressive validation: predictions from before the verdict. It needs no held-out set, and nobody can
tune to it. Challenger and champion are compared pairwise, on all fair posts since the champion came into service.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb, fsum, log, sqrt
from statistics import NormalDist

from tierbot.domain.nouns import RANDOM, Arm, Estimate, Outcome, SettledPost, Verdict
from tierbot.domain.statistics import e_value

LEVEL = 0.1  # the probability that a challenger which is worse by MARGIN is ever promoted is at most this
MARGIN = 0.05  # in nats a post; three to five points of accuracy (docs/benchmarks.md)
FLOOR = 0.2  # without it, a single post with p = 0 for its true tag would decide
BOUND = -log(FLOOR)
VETO = 0.02  # the p of the sign test on the hits, below which it isn't; at 0.1, four posts could keep out a model with e = 30
BELIEF = 0.8  # the posterior probability that the challenger is better, at which it is promoted

# The prior: as if the models had tied on 10 posts before, with this spread per post (in nats). Over streams and sizes, differences
# had a spread of 0.2 to 0.4 per post within a comparison, and of 0.1 between comparisons: (0.3/0.1)² posts.
_PRIOR_POSTS, _PRIOR_SPREAD = 10, 0.2

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
class Answers:
    """A model's answers to n posts."""

    hits: Sequence[bool] = ()  # whether its likeliest tag is true
    chances: Sequence[float] = ()  # the probability that it gave to the true tags, in [0, 1]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote the challenger, and the evidence."""

    promote: bool
    reason: str
    n: int = 0  # fair posts
    challenger: float | None = None  # its accuracy
    champion: float | None = None
    difference: float | None = None  # challenger − champion
    wins: int = 0  # posts on which only the challenger was right
    losses: int = 0
    gain: float = 0.0  # the challenger's log score − the champion's, per post in nats, shrunk toward 0
    belief: float = 0.5  # the posterior probability that its log score is higher
    e_value: float = 1.0  # the evidence that the challenger is not worse by MARGIN or more
    worse: bool = False  # whether it is worse, at LEVEL
    forgotten: str | None = None  # a tag that only the champion recognizes
    overtaken: bool = False  # the champion it was compared with went out of service meanwhile


def unopposed() -> Decision:
    """Promote a model because there is no champion to compare it with."""
    return Decision(True, "promoted: there is no model to compare it with")


def judge(challenger: Answers, champion: Answers, forgotten: str | None = None) -> Decision:
    """Compare two models' answers to the same fair posts, and promote the challenger if it is the better one.

    Each post gives the difference of the models' log scores: log p of the true tags, with p mixed with FLOOR, so that one post
    counts at most BOUND. The challenger is promoted if both hold:

    - The e-value against "worse by MARGIN or more" reaches 1/LEVEL. A challenger that bad is ever promoted with a
      probability of at most LEVEL, however often it is compared while posts accumulate.
    - It is the better one with a probability of BELIEF, after shrinkage toward "the same": of two equal models, the one in
      service stays.

    It isn't promoted if it has forgotten a tag (see `compare`), or if the exact sign test on the hits (McNemar,
    Psychometrika 1947) calls it worse (p < VETO). Otherwise the champion stays, and the next challenger is compared on these posts and
    the newer ones.
    """
    n = len(challenger.hits)
    if {n} != {len(challenger.chances), len(champion.hits), len(champion.chances)}:
        raise ValueError(f"Can't compare {n} answers with {len(champion.hits)}.")
    pairs = Counter((bool(ours), bool(theirs)) for ours, theirs in zip(challenger.hits, champion.hits, strict=True))
    wins, losses, both = pairs[True, False], pairs[False, True], pairs[True, True]
    gains = [
        log_score(ours) - log_score(theirs) for ours, theirs in zip(challenger.chances, champion.chances, strict=True)
    ]
    found = Decision(
        promote=False,
        reason="kept: there are no fair posts to compare the models on yet",
        n=n,
        challenger=(both + wins) / n if n else None,
        champion=(both + losses) / n if n else None,
        difference=(wins - losses) / n if n else None,
        wins=wins,
        losses=losses,
        gain=fsum(gains) / (n + _PRIOR_POSTS),
        belief=_belief(gains),
        e_value=e_value(gains, BOUND, MARGIN),
        worse=e_value([-gain for gain in gains], BOUND) >= 1 / LEVEL,
        forgotten=forgotten,
    )
    return replace(found, promote=_is_promoted(found), reason=_reason(found)) if n else found


def log_score(chance: float) -> float:
    """Return the log score of a probability in [0, 1] for the true tags, in nats, at least −BOUND."""
    return log(FLOOR + (1 - FLOOR) * chance)


def _belief(gains: Sequence[float]) -> float:
    """Return the posterior probability that the mean gain is positive: normal, with the prior above."""
    posts = len(gains) + _PRIOR_POSTS
    mean = fsum(gains) / posts
    variance = (fsum(gain**2 for gain in gains) + _PRIOR_POSTS * _PRIOR_SPREAD**2) / posts - mean**2
    return NormalDist().cdf(mean / sqrt(variance / posts))


def _is_promoted(found: Decision) -> bool:
    no_worse = found.e_value >= 1 / LEVEL and worse_p(found.wins, found.losses) >= VETO
    return found.forgotten is None and found.belief >= BELIEF and no_worse


def _reason(found: Decision) -> str:
    evidence = (
        f"{100 * (found.difference or 0):+.1f} points and {found.gain:+.3f} nats a post on {found.n} fair posts "
        f"({found.wins} won, {found.losses} lost, e = {found.e_value:.3g}, better with p = {found.belief:.2f})"
    )
    if found.forgotten is not None:
        return f"refused: it no longer recognizes {found.forgotten}; {evidence}"
    if found.worse:
        return f"refused: {evidence}; worse"
    return f"promoted: {evidence}" if _is_promoted(found) else f"kept: {evidence}; too few to tell"


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
