"""Who is asked about what: each trainer gets the posts on which their opinion is expected to tell most.

What a vote tells is the mutual information between the answer and the truth, in bits, under what is believed of the
post and how well this trainer knows each tag (Lindley, Annals of Mathematical Statistics 1956; for crowds: Welinder et
al., NIPS 2010). A vote that brings a post to its verdict is worth some bits more: what nobody settles teaches nothing. A
share of the draws is made evenly, so that the log can say what another assignment would have brought; the probability
of each draw, given those before it, goes with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Arm, Outcome, Post, Says, Verdict, Vote

Floats = NDArray[np.float64]
Skill = Callable[[str], float]
"""How likely a trainer is to recognise a tag where it is true, in (0, 1)."""

_LED = 0.5  # a vote for what is on display tells half as much: it may have been clicked unread
_USUAL = 0.8  # competence of voters who are not known
_SURE = 0.999


@dataclass(frozen=True, slots=True)
class AssignmentCandidate:
    """A post that the trainer has not judged. belief: the model's p by tag; votes: what stands on it; verdict: so far."""

    post: Post
    belief: Mapping[str, float]
    votes: Sequence[Vote] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A post for a trainer: what their vote is expected to tell, and the probability of this draw in (0, 1]."""

    post: Post
    gain: float
    propensity: float


@dataclass(frozen=True, slots=True)
class Assigner:
    """How posts are drawn.

    explore: the share of even draws. minimum: voters that must agree for a verdict. settling: what bringing a post to its
    verdict is worth, in bits (of 1, 3, 6 and 12 the best in tests/benchmarks/queue.py).
    """

    explore: float = 0.1
    minimum: int = 2
    settling: float = 6.0
    version: str = field(default="gain-1", init=False)

    def assign(
        self, candidates: Sequence[AssignmentCandidate], count: int, skill: Skill, rng: np.random.Generator
    ) -> list[Assignment]:
        """Draw up to `count` posts for a trainer of such skill, one after the other; settled ones are left alone."""
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
        """Return what a vote of this skill is expected to tell of each, (n,): bits, plus the chance that it settles it.

        The candidates' beliefs are over the same tags, in the same order.
        """
        if not candidates:
            return np.zeros(0)
        tags = list(candidates[0].belief)
        belief = np.stack([believed(one) for one in candidates])
        # Whoever does not recognise the truth names any other tag alike.
        known = np.clip([skill(tag) for tag in tags], 1 / max(2, len(tags)), _SURE)
        other = (1 - known) / max(1, len(tags) - 1)
        said = belief * (known - other) + (belief @ other)[:, None]
        unknowing = -known * np.log2(known) - (1 - known) * np.log2(other)  # entropy of the answer, given the truth
        told = -(said * np.log2(np.maximum(said, 1e-12))).sum(axis=1) - belief @ unknowing
        support = [one.verdict.support if one.verdict else {} for one in candidates]
        nearly = np.array([[given.get(tag, 0) >= self.minimum - 1 for tag in tags] for given in support])
        return np.asarray(told + self.settling * (said * nearly).sum(axis=1))


def believed(candidate: AssignmentCandidate) -> Floats:
    """Return the probability of each tag of the candidate's belief, (T,), after the votes that stand."""
    tags = list(candidate.belief)
    logs = np.log(np.maximum(np.array(list(candidate.belief.values()), dtype=np.float64), 1e-4))
    wrong = np.log((1 - _USUAL) / max(1, len(tags) - 1))
    on_display = None if candidate.post.arm is Arm.BLANK else candidate.post.shown_tag
    for vote in candidate.votes:
        if vote.tag is not None and vote.tag in candidate.belief:
            weight = _LED if vote.tag == on_display else 1.0
            logs[tags.index(vote.tag)] += weight * (np.log(_USUAL) - wrong)
        elif vote.says is Says.REJECTS and candidate.post.shown_tag in candidate.belief:
            logs[tags.index(candidate.post.shown_tag)] += np.log(1 - _USUAL)
    p = np.exp(logs - logs.max())
    return np.asarray(p / p.sum())
