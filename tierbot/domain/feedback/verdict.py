"""Settles a post's votes with the plain rule, and defines the interface that all aggregators share."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Protocol

from tierbot.domain.nouns import Outcome, Post, Says, Verdict, Vote, key

# A verdict by n voters weighs n / (n + 2): the share of the data in a Beta posterior with a prior worth two voters.
PRIOR_VOTERS = 2


class Aggregator(Protocol):
    """Settles votes. Deterministic: the same votes give the same verdict."""

    @property
    def version(self) -> str:
        """Name and settings, stored with each verdict."""

    def settle(self, post: Post, votes: Iterable[Vote], *, ledger_cursor: int, now: datetime) -> Verdict:
        """Return the verdict on a post."""


@dataclass(frozen=True, slots=True)
class PlainRule:
    """The plain rule: it looks for support rather than a majority, so several tags can be true.

    With n distinct voters, tag t is true if at least max(minimum, ⌈n · true_share⌉) name it. Otherwise the
    shown tag is wrong (and no tag is named) if at least max(minimum, ⌈n · wrong_share⌉) reject it. Otherwise the
    rule abstains: `too_few` voters for any answer, or `split`.
    """

    minimum: int = 2
    true_share: Fraction = Fraction(1, 3)
    wrong_share: Fraction = Fraction(1, 2)

    @property
    def version(self) -> str:
        """Name and settings."""
        return f"plain-1(min={self.minimum},true={self.true_share},wrong={self.wrong_share})"

    def settle(
        self,
        post: Post,
        votes: Iterable[Vote],
        *,
        ledger_cursor: int,
        now: datetime,
        halved: frozenset[str] = frozenset(),
    ) -> Verdict:
        """Return the verdict. Votes by `halved` users count half, except in raw counts; the aggregator's name says so."""
        given = list(votes)
        users = {vote.user for vote in given}
        rejecting = {vote.user for vote in given if vote.says is Says.REJECTS}
        supporters: dict[str, set[str]] = defaultdict(set)
        for vote in given:
            if vote.tag is not None:
                supporters[vote.tag].add(vote.user)
        half = halved & users

        def count(some: Collection[str]) -> Fraction:
            return len(some) - Fraction(len(half.intersection(some)), 2)

        voters = count(users)
        enough = max(self.minimum, ceil(voters * self.true_share))
        support = {tag: count(some) for tag, some in sorted(supporters.items())}
        true = {tag: float(counted / voters) for tag, counted in support.items() if counted >= enough}
        reason = None
        if true:
            outcome = Outcome.NAMED
        elif count(rejecting) >= max(self.minimum, ceil(voters * self.wrong_share)):
            outcome = Outcome.WRONG
        else:
            outcome, reason = Outcome.ABSTAINED, "too_few" if voters < self.minimum else "split"
        return Verdict(
            post_id=post.id,
            outcome=outcome,
            reason=reason,
            tags=true,
            reward=float(support.get(post.shown_tag, Fraction(0)) / voters) if voters else None,
            weight=float(voters / (voters + PRIOR_VOTERS)),
            voters=len(users),
            support={tag: len(some) for tag, some in sorted(supporters.items())},
            rejects=len(rejecting),
            unsure=len({vote.user for vote in given if vote.says is Says.UNSURE}),
            aggregator=f"{self.version}@half={key(*sorted(half))}" if half else self.version,
            ledger_cursor=ledger_cursor,
            settled_at=now,
        )
