"""Our aggregator for the live game: it knows that a pre-filled emoji attracts clicks, and whom it attracts.

A MACE (Hovy et al. 2013) whose spammers click what is shown. A trainer who meets a tag on display clicks it
unread with her own probability (her anchoring); otherwise she names a true tag with her competence, and else
errs as the crowd errs there or by her own habit. A post may have up to three true tags. Competence, anchoring and
habit shrink to the crowd's while votes are few. The blank arm, where nothing is on display, identifies it: it
shows how competent people are and how often the classifier's tag is true when nobody is led to it; without
blank posts anchoring and a good classifier look alike. That rate, counted from votes, is the only thing taken
from the classifier: no model's probability enters a verdict, and blank posts, which alone measure accuracy, do
not even use the rate.

Every post is judged with what the other posts say of its voters, so that a lone post meets the priors and cannot
talk itself into anything. Confidence is calibrated without knowing a truth: a temperature is chosen so that the verdict from the others'
votes best predicts each left-out vote (errors that people share make the plain posterior overconfident).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from tierbot.domain.feedback.anchor_aware.em import Estimates, Strengths, estimate
from tierbot.domain.feedback.anchor_aware.encoding import Encoded, VotedPost, encode
from tierbot.domain.feedback.crowd.agreement import Reliability
from tierbot.domain.feedback.verdict import PlainRule
from tierbot.domain.nouns import Arm, Outcome, Post, Verdict, Vote, key

# A verdict of n full votes weighs n / (n + 2), as with the plain rule.
_PRIOR_VOTERS = 2.0


@dataclass(frozen=True, slots=True)
class TrainerEstimate:
    """What the votes say of one trainer: how often a judged vote is right, and how often she clicks unread."""

    competence: Reliability
    anchoring: Reliability


@dataclass(frozen=True, eq=False)
class Fitted:
    """The estimates after a fit. posteriors: post id → {set of true tags: probability}, () for another tag.

    honest: (post id, user) → the probability in [0, 1] that what she said was judged rather than clicked unread.
    """

    posteriors: Mapping[str, Mapping[tuple[str, ...], float]]
    honest: Mapping[tuple[str, str], float]
    trainers: Mapping[str, TrainerEstimate]
    shown_right: float
    temperature: float

    def probability(self, post_id: str, tag: str) -> float:
        """Return the probability that a tag is true of a post."""
        return sum(p for tags, p in self.posteriors[post_id].items() if tag in tags)


@dataclass(frozen=True, slots=True)
class AnchorAware:
    """The settings. accept: a tag is true from this probability on; reject: the shown tag is wrong from this on.

    minimum: fewer voters than this are too few, however reliable. tags: the size of the tag space, if known.
    """

    minimum: int = 2
    accept: float = 0.7
    reject: float = 0.8
    tags: int | None = None
    iterations: int = 60
    strengths: Strengths = field(default_factory=Strengths)

    @property
    def version(self) -> str:
        """Name and settings, stored with each verdict."""
        strengths = key(self.strengths, self.iterations, self.tags)
        return f"anchor-1(min={self.minimum},accept={self.accept},reject={self.reject},priors={strengths})"

    def fit(self, posts: Iterable[Post], votes: Mapping[str, Iterable[Vote]]) -> Fitted:
        """Estimate trainers and truths from all posts and the votes that stand on them (by post id)."""
        asked = [VotedPost(post, tuple(votes.get(post.id, ()))) for post in sorted(posts, key=lambda post: post.id)]
        if not asked:
            return Fitted({}, {}, {}, self.strengths.shown_right.mean, 1.0)
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
        """Return the verdict on one post about whose trainers nothing else is known: the priors decide.

        A verdict that knows the trainers comes from `settle_all`.
        """
        return self.settle_all([post], {post.id: tuple(votes)}, ledger_cursor=ledger_cursor, now=now)[post.id]

    def verdict(
        self, fitted: Fitted, post: Post, votes: Sequence[Vote], *, ledger_cursor: int, now: datetime
    ) -> Verdict:
        """Turn a post's posterior into its verdict; raw counts are those of the plain rule."""
        plain = PlainRule(minimum=self.minimum).settle(post, votes, ledger_cursor=ledger_cursor, now=now)
        weights = {vote.user: self._weight(fitted, post, vote.user) for vote in votes}
        total: float = sum(weights[user] for user in sorted(weights))
        agreeing = sum(weights[user] for user in sorted({v.user for v in votes if v.tag == post.shown_tag}))
        spoken = sorted({vote.tag for vote in votes if vote.tag is not None})
        probability = {tag: fitted.probability(post.id, tag) for tag in spoken}
        true = {tag: min(p, 1.0) for tag, p in probability.items() if p >= self.accept}
        shown = fitted.probability(post.id, post.shown_tag)
        outcome, reason = self._outcome(plain, bool(true), post.arm is not Arm.BLANK and 1 - shown >= self.reject)
        return Verdict(
            post_id=post.id,
            outcome=outcome,
            reason=reason,
            tags=true if outcome is Outcome.NAMED else {},
            reward=agreeing / total if total > 0 else None,
            weight=total / (total + _PRIOR_VOTERS),
            voters=plain.voters,
            support=plain.support,
            rejects=plain.rejects,
            unsure=plain.unsure,
            aggregator=self.version,
            ledger_cursor=ledger_cursor,
            settled_at=now,
        )

    def _outcome(self, plain: Verdict, any_true: bool, shown_wrong: bool) -> tuple[Outcome, str | None]:
        if plain.voters < self.minimum:
            return Outcome.ABSTAINED, "too_few"
        if any_true:
            return Outcome.NAMED, None
        if plain.rejects and shown_wrong:
            return Outcome.WRONG, None
        return Outcome.ABSTAINED, "split"

    @staticmethod
    def _weight(fitted: Fitted, post: Post, user: str) -> float:
        """Return what a voter's say on a post counts, in (0, 1]: judged, and by someone competent."""
        return float(fitted.honest.get((post.id, user), 1.0) * fitted.trainers[user].competence.mean)


def _report(asked: Sequence[VotedPost], data: Encoded, found: Estimates) -> Fitted:
    """Put the arrays' names back."""
    posteriors = {
        a.post.id: dict(zip(data.sets[at], found.posterior[data.start[at] : data.start[at + 1]].tolist(), strict=True))
        for at, a in enumerate(asked)
    }
    unread: dict[tuple[str, str], float] = {}
    for said in np.flatnonzero(data.said_shown):
        who = data.users[data.said_user[said]]
        unread[asked[data.said_post[said]].post.id, who] = float(found.unread[said])
    trainers = {
        user: TrainerEstimate(
            competence=found.competence_prior.reliability(*found.competence_counts[:, at].tolist()),
            anchoring=found.anchoring_prior.reliability(*found.anchoring_counts[:, at].tolist()),
        )
        for at, user in enumerate(data.users)
    }
    return Fitted(
        posteriors=posteriors,
        honest={which: 1 - share for which, share in unread.items()},
        trainers=trainers,
        shown_right=found.shown_right,
        temperature=found.temperature,
    )
