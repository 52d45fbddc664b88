"""A round's status, figures and report, from the database."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tierbot.domain.nouns import Arm, Outcome, Post, Round, SettledPost, Standing
from tierbot.domain.rounds.announcements import round_closed
from tierbot.domain.rounds.boards import RoundStatus
from tierbot.domain.rounds.figures import RoundFigures, figures_in_words, patterns_of
from tierbot.domain.training.judge import accuracy, hits_by_tag, improved_and_struggling
from tierbot.use_cases.ports import Transaction

CHARTED = 12
"""Rounds in the picture."""


def status_of(round_: Round, posts: Sequence[Post], settled: Sequence[SettledPost], *, trainers: int) -> RoundStatus:
    """Return a round's counts, with accuracy by progressive validation on all posts and on the blank arm."""
    outcomes = Counter(item.verdict.outcome for item in settled)
    return RoundStatus(
        round=round_,
        posts=len(posts),
        judged=sum(item.verdict.voters > 0 for item in settled),
        named=outcomes[Outcome.NAMED],
        wrong=outcomes[Outcome.WRONG],
        abstained=outcomes[Outcome.ABSTAINED],
        trainers=trainers,
        accuracy=accuracy(settled),
        blank_accuracy=accuracy(settled, arm=Arm.BLANK, random_only=True),
    )


def round_status(tx: Transaction, current: Round) -> RoundStatus:
    """Return the status of the current round."""
    settled, votes = tx.verdicts.settled(rounds=[current.number]), tx.ledger.votes_in_round(current.number)
    trainers = {vote.user for given in votes.values() for vote in given}
    return status_of(current, tx.posts.in_round(current.number), settled, trainers=len(trainers))


def figures_before(tx: Transaction, number: int) -> list[RoundFigures]:
    """Return the figures of the rounds before `number`, oldest first, as many as fit the picture."""
    return [_figures(tx, one) for one in range(max(1, number - CHARTED + 1), number)]


def _figures(tx: Transaction, number: int) -> RoundFigures:
    settled = tx.verdicts.settled(rounds=[number])
    return RoundFigures(
        number=number,
        all=accuracy(settled),
        blank=accuracy(settled, arm=Arm.BLANK, random_only=True),
        patterns=patterns_of((item.post, item.verdict) for item in settled),
    )


def report_of(tx: Transaction, closed: Round, standings: Sequence[Standing], posts: Sequence[Post]) -> dict[str, Any]:
    """Return the announcement of a closed round: who won, what the model learned, what was promoted and why."""
    settled, before = (tx.verdicts.settled(rounds=[number]) for number in (closed.number, closed.number - 1))
    improved, struggling = improved_and_struggling(_hits(settled), _hits(before))
    status = status_of(closed, posts, settled, trainers=len(standings))
    news = round_closed(closed, standings, status, accuracy(before), improved, struggling)
    return {**news, "training": _training(tx, closed), "unmentioned": tx.trainers.opted_out()}


def chart_of(tx: Transaction, number: int, former: Sequence[RoundFigures]) -> dict[str, Any]:
    """Return the data of a closed round's picture: `former` rounds and this one."""
    figures = [*former, _figures(tx, number)]
    return {
        "title": f"Round {number} in pictures",
        "alt": figures_in_words(figures),
        "figures": [asdict(one) for one in figures],
    }


def _training(tx: Transaction, closed: Round) -> dict[str, Any] | None:
    """Return the outcome of the round's newest challenger, with its comparison."""
    ended = closed.frozen_at or closed.closes_at
    for version in tx.models.all():
        decision = (version.card.get("metrics") or {}).get("promotion")
        if decision and closed.opened_at <= version.created_at <= ended:
            before = tx.models.get(version.parent) if version.parent else None
            return {"number": version.number, "before": before.number if before else None, "comparison": decision}
    return None


def _hits(settled: Iterable[SettledPost]) -> dict[str, tuple[int, int]]:
    return hits_by_tag((item.top_tag, item.verdict) for item in settled)
