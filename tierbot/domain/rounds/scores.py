"""Scores trainers: how many articles they judged, and how often they agree with the verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tierbot.domain.nouns import Outcome, Post, Says, Standing, Verdict, Vote

# 🎯 goes to the best agreement among trainers with this many settled articles: fewer would reward luck.
SHARPSHOOTER_MINIMUM = 20


@dataclass(slots=True)
class _Tally:
    judged: set[str] = field(default_factory=set)  # article ids
    settled: dict[str, bool] = field(default_factory=dict)  # article id → agreed
    last_vote: datetime | None = None


def agrees(vote: Vote, post: Post, verdict: Verdict) -> bool | None:
    """Return whether a vote agrees with a verdict; None if they can't be compared.

    Naming a true tag agrees, and so does rejecting a shown tag that wasn't true. An unsure vote, an abstention,
    or another tag named where the verdict names none can't be compared.
    """
    if verdict.outcome is Outcome.ABSTAINED or vote.says is Says.UNSURE:
        return None
    if vote.says is Says.REJECTS:
        return post.shown_tag not in verdict.tags
    if verdict.outcome is Outcome.WRONG:
        return False if vote.tag == post.shown_tag else None
    return vote.tag in verdict.tags


def standings_of(
    posts: Iterable[Post], votes: Mapping[str, Iterable[Vote]], verdicts: Mapping[str, Verdict]
) -> list[Standing]:
    """Return the standings over these posts, best first; equal scores by agreement, then by who got there first."""
    tallies: dict[str, _Tally] = {}
    for post in posts:
        verdict = verdicts.get(post.id)
        for vote in votes.get(post.id, ()):
            tally = tallies.setdefault(vote.user, _Tally())
            tally.judged.add(post.article_id)
            tally.last_vote = vote.at if tally.last_vote is None else max(tally.last_vote, vote.at)
            agreed = agrees(vote, post, verdict) if verdict is not None else None
            if agreed is not None:
                tally.settled[post.article_id] = agreed or tally.settled.get(post.article_id, False)
    return _ranked(
        (user, len(tally.judged), sum(tally.settled.values()), len(tally.settled))
        for user, tally in sorted(tallies.items(), key=_order)
    )


def _order(item: tuple[str, _Tally]) -> tuple[int, float, datetime | None, str]:
    user, tally = item
    agreement = sum(tally.settled.values()) / len(tally.settled) if tally.settled else 0.0
    return -len(tally.judged), -agreement, tally.last_vote, user


def all_time_standings(totals: Iterable[tuple[str, int, int, int]]) -> list[Standing]:
    """Return standings from (user, judged, agreed, settled) totals, best first."""
    return _ranked(sorted(totals, key=lambda row: (-row[1], -(row[2] / row[3] if row[3] else 0.0), row[0])))


def _ranked(best_first: Iterable[tuple[str, int, int, int]]) -> list[Standing]:
    """Give equal scores one rank: 1, 1, 3."""
    first_with: dict[int, int] = {}
    return [
        Standing(first_with.setdefault(judged, place), user, judged, judged, agreed, settled)
        for place, (user, judged, agreed, settled) in enumerate(best_first, 1)
    ]


def champion(standings: Iterable[Standing]) -> str | None:
    """Return the winner of the 🏆: the trainer with the highest score."""
    return next((standing.user for standing in standings if standing.score), None)


def sharpshooter(standings: Iterable[Standing]) -> str | None:
    """Return the winner of the 🎯: the best agreement among trainers with enough settled articles."""
    eligible = [standing for standing in standings if standing.settled >= SHARPSHOOTER_MINIMUM]
    best = max(eligible, key=lambda standing: (standing.agreement or 0.0, standing.settled), default=None)
    return None if best is None else best.user


def streak(days: Iterable[date], today: date) -> int:
    """Return the length of the run of days that ends today or yesterday (today isn't over yet)."""
    judged = set(days)
    last = today if today in judged else today - timedelta(days=1)
    length = 0
    while last - timedelta(days=length) in judged:
        length += 1
    return length
