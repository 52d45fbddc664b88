"""Settles the live game's votes, allowing for anchoring: a pre-filled emoji attracts clicks.

A MACE (Hovy et al. 2013) whose spammers click what is shown. A trainer who sees a tag on display clicks it without
reading with their own probability, their anchoring. Otherwise they name a true tag with the probability of their
competence, or make an error that is typical of the crowd or of themselves. A post may have up to three true tags.
Competence, anchoring and habits shrink to the crowd's while votes are few. The blank arm, which displays no tag,
identifies the model: it shows how competent people are and how often the classifier's tag is true. Without blank
posts, anchoring and a good classifier look alike. That rate, counted from votes, is all that verdicts use of the
classifier, and blank posts, which measure its accuracy, don't use it at all.

A post's voters are judged by the other posts only, so a single post can't reinforce its own verdict. Confidence is
calibrated without a known truth: the temperature is chosen so that the verdict from the other votes best predicts
each left-out vote (shared errors make the plain posterior overconfident).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from tierbot.domain.feedback.anchor_aware.em import Estimates, Strengths, estimate
from tierbot.domain.feedback.anchor_aware.encoding import Encoded, VotedPost, encode
from tierbot.domain.feedback.crowd.agreement import Reliability
from tierbot.domain.feedback.verdict import PRIOR_VOTERS, PlainRule
from tierbot.domain.nouns import Arm, Outcome, Post, Verdict, Vote, key


@dataclass(frozen=True, slots=True)
class TrainerEstimate:
    """The estimates for one trainer: how often a considered vote is right, and how often they click without reading."""

    competence: Reliability
    anchoring: Reliability


@dataclass(frozen=True, eq=False)
class Fitted:
    """The estimates after a fit."""

    posteriors: Mapping[str, Mapping[tuple[str, ...], float]]  # post id → {true tags: probability}; (): another tag
    honest: Mapping[tuple[str, str], float]  # (post id, user) → P(considered, not clicked without reading)
    trainers: Mapping[str, TrainerEstimate]
    shown_right: float

    def probability(self, post_id: str, tag: str) -> float:
        """Return the probability that a tag is true for a post."""
        return sum(p for tags, p in self.posteriors[post_id].items() if tag in tags)


@dataclass(frozen=True, slots=True)
class AnchorAware:
    """The anchor-aware rule, an Aggregator."""

    minimum: int = 2  # the minimum number of voters, however reliable they are
    accept: float = 0.7  # the minimum probability of a true tag
    reject: float = 0.8  # the minimum probability that the shown tag is wrong
    tags: int | None = None  # the size of the tag space, if known
    iterations: int = 60
    strengths: Strengths = field(default_factory=Strengths)

    @property
    def version(self) -> str:
        """Name and settings, stored with each verdict."""
        strengths = key(self.strengths, self.iterations, self.tags)
        return f"anchor-1(min={self.minimum},accept={self.accept},reject={self.reject},priors={strengths})"

    def fit(self, posts: Iterable[Post], votes: Mapping[str, Iterable[Vote]]) -> Fitted:
        """Estimate trainers and truths from all posts and their current votes (by post id)."""
        asked = [VotedPost(post, tuple(votes.get(post.id, ()))) for post in sorted(posts, key=lambda post: post.id)]
        if not asked:
            return Fitted({}, {}, {}, self.strengths.shown_right.mean)
        data = encode(asked, tags=self.tags)
        return _report(asked, data, estimate(data, self.strengths, self.iterations))

    def settle_all(
        self, posts: Iterable[Post], votes: Mapping[str, Iterable[Vote]], *, ledger_cursor: int, now: datetime
    ) -> dict[str, Verdict]:
        """Return the verdict on every post, given all votes so far (by post id)."""
        kept = {post.id: (post, tuple(votes.get(post.id, ()))) for post in posts}
        fitted = self.fit((post for post, _ in kept.values()), {id_: given for id_, (_, given) in kept.items()})
        return {
            id_: self.verdict(fitted, post, given, ledger_cursor=ledger_cursor, now=now)
            for id_, (post, given) in kept.items()
        }

    def settle(self, post: Post, votes: Iterable[Vote], *, ledger_cursor: int, now: datetime) -> Verdict:
        """Return the verdict on one post from the priors alone; `settle_all` learns about the trainers."""
        return self.settle_all([post], {post.id: tuple(votes)}, ledger_cursor=ledger_cursor, now=now)[post.id]

    def verdict(
        self, fitted: Fitted, post: Post, votes: Sequence[Vote], *, ledger_cursor: int, now: datetime
    ) -> Verdict:
        """Turn a post's posterior into its verdict; the raw counts are the plain rule's."""
        plain = PlainRule(minimum=self.minimum).settle(post, votes, ledger_cursor=ledger_cursor, now=now)
        # a vote counts to the extent that it was considered, by someone competent
        weights = {
            user: float(fitted.honest.get((post.id, user), 1.0) * fitted.trainers[user].competence.mean)
            for user in {vote.user for vote in votes}
        }
        total: float = sum(weights[user] for user in sorted(weights))
        agreeing = sum(weights[user] for user in sorted({v.user for v in votes if v.tag == post.shown_tag}))
        spoken = sorted({vote.tag for vote in votes if vote.tag is not None})
        probability = {tag: fitted.probability(post.id, tag) for tag in spoken}
        true = {tag: min(p, 1.0) for tag, p in probability.items() if p >= self.accept}
        shown = fitted.probability(post.id, post.shown_tag)
        outcome, reason = self._outcome(plain, bool(true), post.arm is not Arm.BLANK and 1 - shown >= self.reject)
        return replace(
            plain,
            outcome=outcome,
            reason=reason,
            tags=true if outcome is Outcome.NAMED else {},
            reward=agreeing / total if total > 0 else None,
            weight=total / (total + PRIOR_VOTERS),
            aggregator=self.version,
        )

    def _outcome(self, plain: Verdict, any_true: bool, shown_wrong: bool) -> tuple[Outcome, str | None]:
        if plain.voters < self.minimum:
            return Outcome.ABSTAINED, "too_few"
        if any_true:
            return Outcome.NAMED, None
        if plain.rejects and shown_wrong:
            return Outcome.WRONG, None
        return Outcome.ABSTAINED, "split"


def _report(asked: Sequence[VotedPost], data: Encoded, found: Estimates) -> Fitted:
    posteriors = {
        a.post.id: dict(zip(data.sets[at], found.posterior[data.start[at] : data.start[at + 1]].tolist(), strict=True))
        for at, a in enumerate(asked)
    }
    honest = {
        (asked[data.said_post[said]].post.id, data.users[data.said_user[said]]): 1 - float(found.unread[said])
        for said in np.flatnonzero(data.said_shown)
    }
    estimates = map(TrainerEstimate, found.competence, found.anchoring)
    return Fitted(posteriors, honest, dict(zip(data.users, estimates, strict=True)), found.shown_right)
