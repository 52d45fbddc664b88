"""What a post's votes settle to: the plain rule, and the interface that learned aggregators share."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Protocol

from tierbot.domain import Outcome, Post, Says, Verdict, Vote

# A verdict of n voters weighs n / (n + 2): one voter a third, two a half, eight 0.8. It is the mean's share in
# a Beta posterior whose prior is worth two voters.
_PRIOR_VOTERS = 2


class Aggregator(Protocol):
    """Settles votes. Deterministic: the same votes give the same verdict."""

    @property
    def version(self) -> str:
        """Name and settings, stored with each verdict."""
        ...

    def settle(self, post: Post, votes: Iterable[Vote], *, ledger_cursor: int, now: datetime) -> Verdict:
        """Return the verdict on a post."""
        ...


@dataclass(frozen=True, slots=True)
class PlainRule:
    """DESIGN's rule: support, not majority, so that several tags can be true.

    With n distinct voters, tag t is true if at least max(minimum, ⌈n · true_share⌉) name it. Otherwise the
    shown tag is wrong (and the right one unnamed) if max(minimum, ⌈n · wrong_share⌉) reject it. Otherwise the
    rule abstains: `too_few` voters for any answer, or `split`.
    """

    minimum: int = 2
    true_share: Fraction = Fraction(1, 3)
    wrong_share: Fraction = Fraction(1, 2)

    @property
    def version(self) -> str:
        """Name and settings."""
        return f"plain-1(min={self.minimum},true={self.true_share},wrong={self.wrong_share})"

    def settle(self, post: Post, votes: Iterable[Vote], *, ledger_cursor: int, now: datetime) -> Verdict:
        """Return the verdict; the reward is the share of voters for whom the shown tag is true."""
        given = list(votes)
        voters = len({vote.user for vote in given})
        support = Counter({tag: len(users) for tag, users in _supporters(given).items()})
        rejects = len({vote.user for vote in given if vote.says is Says.REJECTS})
        unsure = len({vote.user for vote in given if vote.says is Says.UNSURE})

        enough = max(self.minimum, ceil(voters * self.true_share))
        true = {tag: count / voters for tag, count in sorted(support.items()) if count >= enough}
        reason = None
        if true:
            outcome = Outcome.NAMED
        elif rejects >= max(self.minimum, ceil(voters * self.wrong_share)):
            outcome = Outcome.WRONG
        else:
            outcome, reason = Outcome.ABSTAINED, "too_few" if voters < self.minimum else "split"
        return Verdict(
            post_id=post.id,
            outcome=outcome,
            reason=reason,
            tags=true,
            reward=support[post.shown_tag] / voters if voters else None,
            weight=voters / (voters + _PRIOR_VOTERS),
            voters=voters,
            support=dict(sorted(support.items())),
            rejects=rejects,
            unsure=unsure,
            aggregator=self.version,
            ledger_cursor=ledger_cursor,
            settled_at=now,
        )


def _supporters(votes: Iterable[Vote]) -> dict[str, set[str]]:
    supporters: dict[str, set[str]] = {}
    for vote in votes:
        if vote.tag is not None:
            supporters.setdefault(vote.tag, set()).add(vote.user)
    return supporters
