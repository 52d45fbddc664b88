"""How good a model is, and whether a challenger may replace the champion.

Accuracy is progressive: what the model said before the verdict came. It needs no held-out set, and nobody
can tune to it. A challenger is compared with the champion pairwise, on verdicts that neither has learned from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Arm, Estimate, Outcome, SettledPost, Verdict
from tierbot.domain.predict.selection import RANDOM

WORSE_P = 0.1
WORSE_BY = 0.02
FEWEST = round(1 / WORSE_BY)  # with fewer, one single post weighs more than the two points that would refuse


def hit(top_tag: str, shown_tag: str, verdict: Verdict) -> bool | None:
    """Say whether the model's likeliest tag proved true; None if the verdict cannot tell.

    A verdict that names true tags tells; "wrong, unnamed" tells only of the shown tag; an abstention of nothing.
    """
    if verdict.outcome is Outcome.NAMED:
        return top_tag in verdict.tags
    if verdict.outcome is Outcome.WRONG and top_tag == shown_tag:
        return False
    return None


def accuracy(settled: Iterable[SettledPost], *, arm: Arm | None = None, random_only: bool = False) -> Estimate:
    """Return the share of settled posts whose likeliest tag proved true, with its 95 % interval.

    Arm.BLANK with random_only gives the honest figure: neither what was pre-filled nor what was chosen to be hard
    sways it.
    """
    found = [
        hit(item.top_tag, item.post.shown_tag, item.verdict)
        for item in settled
        if (arm is None or item.post.arm is arm) and (not random_only or item.selection.strategy == RANDOM)
    ]
    told = [one for one in found if one is not None]
    return Estimate.of_share(sum(told), len(told))


def is_unbiased(item: SettledPost) -> bool:
    """Say whether a post measures fairly: blank arm, chosen at random, settled to named tags."""
    return item.post.arm is Arm.BLANK and item.selection.strategy == RANDOM and item.verdict.outcome is Outcome.NAMED


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote, and the evidence.

    n verdicts; accuracy of both; difference = challenger − champion; wins and losses: verdicts on which only the
    challenger, or only the champion, was right; p_value of "the challenger is worse".
    """

    promote: bool
    reason: str
    n: int
    challenger: float | None
    champion: float | None
    difference: float | None
    wins: int
    losses: int
    p_value: float | None

    def as_dict(self) -> dict[str, bool | str | int | float | None]:
        """Return the decision as JSON, for the model's card."""
        return {name: getattr(self, name) for name in self.__slots__}


Hits = Sequence[bool] | NDArray[np.bool_]


def judge(challenger_hits: Hits, champion_hits: Hits) -> Decision:
    """Compare two models' hits on the same verdicts; refuse a challenger that is worse.

    Worse is: the exact one-sided sign test on the verdicts where they differ (McNemar, Psychometrika 1947) says so at
    p < 0.1, or the estimate is below −2 points on at least 50 verdicts. With too few to tell it is promoted,
    and the reason says so.
    """
    ours, theirs = np.asarray(challenger_hits, dtype=bool), np.asarray(champion_hits, dtype=bool)
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} hits cannot be compared with {theirs.shape}.")
    n = len(ours)
    if n == 0:
        return Decision(True, "promoted: no unbiased verdict is new to both models, so nothing tells against it",
                        0, None, None, None, 0, 0, None)  # fmt: skip
    wins, losses = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    p_value = as_many_heads(losses, wins + losses)
    difference = (wins - losses) / n
    evidence = f"{100 * difference:+.1f} points on {n} unbiased verdicts ({wins} won, {losses} lost, p = {p_value:.3f})"
    if p_value < WORSE_P:
        promote, reason = False, f"refused: {evidence}; the paired test says worse"
    elif n < FEWEST:
        promote, reason = True, f"promoted: {evidence}; too few to tell"
    elif difference < -WORSE_BY:
        promote, reason = False, f"refused: {evidence}; more than two points worse"
    else:
        promote, reason = True, f"promoted: {evidence}"
    return Decision(promote, reason, n, float(ours.mean()), float(theirs.mean()), difference, wins, losses, p_value)


def as_many_heads(heads: int, tosses: int) -> float:
    """Return the probability of `heads` or more in so many tosses of a fair coin, exactly (0 ≤ heads ≤ tosses)."""
    # scipy.stats has it, too, and takes half a second of each start to import.
    return float(sum(comb(tosses, number) for number in range(heads, tosses + 1)) / 2**tosses)
