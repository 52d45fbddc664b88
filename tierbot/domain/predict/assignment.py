"""Assigns posts to trainers: each gets the posts on which their vote is expected to be most informative.

A vote's information is the mutual information between the answer and the truth, in bits, given the belief about the
post and the trainer's skill on each tag (Lindley, Annals of Mathematical Statistics 1956; for crowds: Welinder et al.,
NIPS 2010). A vote that settles a post is worth some extra bits, because an unsettled post teaches nothing. Some draws
are uniform, so the log can tell how another assignment would have done; each draw's probability, given the earlier
ones, is logged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Arm, Outcome, Post, Says, Verdict, Vote

Floats = NDArray[np.float64]
Skill = Callable[[str], float]
"""The probability that a trainer recognizes a tag when it is true, in (0, 1)."""

_ANCHORED = 0.5  # a vote for the tag on display counts half: it may have been clicked without reading
_COMPETENCE = 0.8  # of unknown voters
_SURE = 0.999


@dataclass(frozen=True, slots=True)
class AssignmentCandidate:
    """A post that the trainer hasn't judged. belief: the model's p by tag; votes, verdict: the current ones."""

    post: Post
    belief: Mapping[str, float]
    votes: Sequence[Vote] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A post for a trainer, with the expected information of their vote and the probability of this draw, in (0, 1]."""

    post: Post
    gain: float
    propensity: float


@dataclass(frozen=True, slots=True)
class Assigner:
    """How posts are drawn.

    explore: the share of uniform draws. minimum: voters that must agree for a verdict. settling: the value of settling
    a post, in bits (6 was the best of 1, 3, 6 and 12 in tests/benchmarks/queue.py).
    """

    explore: float = 0.1
    minimum: int = 2
    settling: float = 6.0
    version: str = field(default="gain-1", init=False)

    def assign(
        self, candidates: Sequence[AssignmentCandidate], count: int, skill: Skill, rng: np.random.Generator
    ) -> list[Assignment]:
        """Draw up to `count` posts for a trainer with this skill, one by one; settled posts are left out."""
        left = [one for one in candidates if one.verdict is None or one.verdict.outcome is Outcome.ABSTAINED]
        left.sort(key=lambda one: (one.post.created_at, one.post.id))
        gains = self.gains(left, skill)
        drawn = []
        for _ in range(min(count, len(left))):
            pi = np.full(len(left), self.explore / len(left))
            pi[int(gains.argmax())] += 1 - self.explore
            at = int(rng.choice(len(left), p=pi / pi.sum()))
            drawn.append(Assignment(left[at].post, float(gains[at]), float(pi[at])))
            left.pop(at)
            gains = np.delete(gains, at)
        return drawn

    def gains(self, candidates: Sequence[AssignmentCandidate], skill: Skill) -> Floats:
        """Return the expected gain of a vote on each candidate, (n,): its information, plus the value of settling it.

        The candidates' beliefs must be over the same tags, in the same order.
        """
        if not candidates:
            return np.zeros(0)
        tags = list(candidates[0].belief)
        belief = np.stack([believed(one) for one in candidates])
        # A trainer who doesn't recognize the truth names another tag uniformly at random.
        known = np.clip([skill(tag) for tag in tags], 1 / max(2, len(tags)), _SURE)
        other = (1 - known) / max(1, len(tags) - 1)
        said = belief * (known - other) + (belief @ other)[:, None]
        unknowing = -known * np.log2(known) - (1 - known) * np.log2(other)  # entropy of the answer, given the truth
        told = -(said * np.log2(np.maximum(said, 1e-12))).sum(axis=1) - belief @ unknowing
        support = [one.verdict.support if one.verdict else {} for one in candidates]
        nearly = np.array([[given.get(tag, 0) >= self.minimum - 1 for tag in tags] for given in support])
        return np.asarray(told + self.settling * (said * nearly).sum(axis=1))


def believed(candidate: AssignmentCandidate) -> Floats:
    """Return the probability of each tag, (T,), after updating the belief with the current votes."""
    tags = list(candidate.belief)
    logs = np.log(np.maximum(np.array(list(candidate.belief.values()), dtype=np.float64), 1e-4))
    wrong = np.log((1 - _COMPETENCE) / max(1, len(tags) - 1))
    on_display = None if candidate.post.arm is Arm.BLANK else candidate.post.shown_tag
    for vote in candidate.votes:
        if vote.tag is not None and vote.tag in candidate.belief:
            weight = _ANCHORED if vote.tag == on_display else 1.0
            logs[tags.index(vote.tag)] += weight * (np.log(_COMPETENCE) - wrong)
        elif vote.says is Says.REJECTS and candidate.post.shown_tag in candidate.belief:
            logs[tags.index(candidate.post.shown_tag)] += np.log(1 - _COMPETENCE)
    p = np.exp(logs - logs.max())
    return np.asarray(p / p.sum())
