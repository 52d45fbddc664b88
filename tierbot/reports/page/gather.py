"""Gather the report's figures from a transaction, round by round, with one round's predictions in memory at a time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from tierbot.domain.feedback.crowd.agreement import reliabilities
from tierbot.domain.nouns import RANDOM, Arm, ModelVersion, Outcome
from tierbot.domain.rounds.figures import RoundFigures, patterns_of
from tierbot.domain.rounds.scores import standings_of
from tierbot.domain.training.drift import drift_of
from tierbot.domain.training.judge import accuracy
from tierbot.reports.dataset import pseudonyms_of
from tierbot.reports.page import figures
from tierbot.reports.page.figures import Judged, ModelFigures, ModelMove, Report, TrainerFigures
from tierbot.use_cases.ports import LabelledPost, Store, Transaction

ROUNDS = 12  # in a report, by default
_MOST_TRAINERS = 20
_MOVES = 1000  # audit trail entries to search for rollbacks


@dataclass(slots=True)
class _Seen:
    judged: list[Judged] = field(default_factory=list)
    rounds: list[RoundFigures] = field(default_factory=list)
    agreement: list[figures.Agreement] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    posts: int = 0
    trainers: Counter[str] = field(default_factory=Counter)  # posts judged
    agreed: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)


def report_of(
    store: Store,
    workspace: str,
    *,
    now: datetime,
    zone: tzinfo,
    rounds: int = ROUNDS,
    name: Callable[[str], str] | None = None,
) -> Report:
    """Return the last `rounds` rounds' figures; `name` names trainers (default: pseudonyms). TierbotError if not set up."""
    named = name or pseudonyms_of(store, workspace)
    with store.read(workspace) as tx:
        return _report(tx, now, zone, named, rounds)


def _report(tx: Transaction, now: datetime, zone: tzinfo, name: Callable[[str], str], rounds: int) -> Report:
    current, workspace, tags = tx.rounds.current(), tx.workspaces.get(), tx.workspaces.tags()
    newest = current.number if current else max((one.number for one in tx.rounds.all()), default=0)
    seen = _Seen()
    for number in range(max(1, newest - rounds + 1), newest + 1):
        _add_round(tx, number, seen)
    judged, versions = seen.judged, tx.models.all()
    parents = {version.id: version.parent for version in versions}
    voted = [item for item in judged if item.verdict.voters]
    return Report(
        workspace=workspace.name if workspace else "",
        made_at=now,
        rounds=tuple(seen.rounds),
        posts=seen.posts,
        votes=len(seen.moments),
        verdicts=sum(item.verdict.outcome is not Outcome.ABSTAINED for item in voted),
        abstained=sum(item.verdict.outcome is Outcome.ABSTAINED for item in voted),
        labels={tag.id: figures.label_of(tags, tag.id) for tag in tags},
        tags=figures.rewards_by_tag(judged, tags),
        confusions=figures.confusions(judged, tags),
        calibration=figures.calibration(judged),
        unbiased_calibration=figures.calibration(
            item for item in judged if item.post.arm is Arm.BLANK and item.selection.strategy == RANDOM
        ),
        agreement=tuple(seen.agreement),
        activity=figures.activity(seen.moments, zone),
        trainers=_trainers(seen, name),
        policies=(*figures.policy_values(judged, None), *figures.policy_values(judged, Arm.BLANK)),
        models=tuple(_model(one, [item for item in judged if item.model_version == one.id]) for one in versions),
        moves=tuple(
            ModelMove(entry["at"], entry["before"], entry["after"], parents.get(entry["before"]) == entry["after"])
            for entry in tx.workspaces.audit_trail(_MOVES)
            if entry["what"] == "promote model"
        ),
        held_back=tuple(
            figures.HeldFigures(str(one.held.boundary), one.held.rule, one.count) for one in tx.held_back.counts(0)
        ),
        drift=drift_of(judged),
    )


def _add_round(tx: Transaction, number: int, seen: _Seen) -> None:
    posts, votes = tx.posts.in_round(number), tx.ledger.votes_in_round(number)
    if not posts:
        return
    labeled = tx.verdicts.labeled(rounds=[number])
    judged = [_judged(item) for item in labeled]
    seen.posts += len(posts)
    seen.judged.extend(judged)
    seen.moments.extend(vote.at for given in votes.values() for vote in given)
    seen.rounds.append(
        RoundFigures(
            number=number,
            all=accuracy(judged),
            blank=accuracy(judged, arm=Arm.BLANK, random_only=True),
            patterns=patterns_of((item.post, item.verdict) for item in labeled),
        )
    )
    seen.agreement += [figures.agreement(number, posts, votes, arm) for arm in (None, Arm.BLANK)]
    for line in standings_of(posts, votes, {item.post.id: item.verdict for item in judged}):
        seen.trainers[line.user] += line.judged
        seen.agreed[line.user] += line.agreed
        seen.settled[line.user] += line.settled


def _judged(item: LabelledPost) -> Judged:
    prediction = item.prediction
    top = prediction.top_tag
    return Judged(
        post=item.post,
        verdict=item.verdict,
        selection=prediction.selection,
        model_version=prediction.model_version,
        top_tag=top,
        top_probability=prediction.probabilities[top],
        shown_probability=prediction.probabilities.get(prediction.shown_tag, 0.0),
        propensity=prediction.propensity,
    )


def _trainers(seen: _Seen, name: Callable[[str], str]) -> tuple[TrainerFigures, ...]:
    how_far = reliabilities({user: (seen.agreed[user], seen.settled[user]) for user in seen.trainers})
    busiest = sorted(seen.trainers, key=lambda user: (-seen.trainers[user], user))[:_MOST_TRAINERS]
    return tuple(
        TrainerFigures(
            name=name(user),
            judged=seen.trainers[user],
            settled=seen.settled[user],
            reliability=how_far[user].mean,
            low=how_far[user].low,
            high=how_far[user].high,
        )
        for user in busiest
    )


def _model(version: ModelVersion, predicted: Sequence[Judged]) -> ModelFigures:
    decision = (version.card.get("metrics") or {}).get("promotion") or {}
    return ModelFigures(
        id=version.id,
        number=version.number,
        parent=version.parent,
        state=version.state.value,
        created_at=version.created_at,
        promoted=decision.get("promote"),
        reason=str(decision.get("reason", "")),
        verdicts=(version.card.get("data") or {}).get("verdicts"),
        accuracy=accuracy(predicted),
    )
