"""Reports what tierbot learned as one JSON document, for the panel next to the sandbox's channel."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tierbot.domain.nouns import Arm, Post, Says, SettledPost, Verdict, Vote
from tierbot.domain.tags.emoji import REJECT, UNSURE
from tierbot.domain.training.drift import drift_of
from tierbot.domain.training.judge import accuracy
from tierbot.use_cases.ports import Transaction

_GESTURES = {str(Says.REJECTS): REJECT, str(Says.UNSURE): UNSURE}
_ROUNDS = 12
_VERDICTS = 8
_ENOUGH = 5  # settled posts before a round's accuracy is worth a point in a chart
_ENOUGH_YET = 20  # the same while it is played: half a dozen posts would make the headline jump
_LIVE = 2  # newest rounds, which are read anew each time; votes on older ones show when a round ends
_DRIFT_EVERY = 20  # settled posts between looks for drift, which costs more than all else


class Panel:
    """Updates the panel after each verdict; it caches what rarely changes, so an update costs little.

    Without it each settling reads twelve rounds: thousands of posts in a long game. For one workspace, one thread
    at a time.
    """

    def __init__(self) -> None:
        """Start with an empty cache."""
        self._current = 0
        self._former: list[SettledPost] = []
        self._drift: tuple[int, dict[str, Any]] | None = None

    def of(self, tx: Transaction) -> dict[str, Any]:
        """Return accuracy by round, the last verdicts, the live model, drift by tag and one row of the dataset."""
        round_ = tx.rounds.current()
        current = round_.number if round_ else 0
        numbers = list(range(max(1, current - _ROUNDS + 1), current + 1))
        if current != self._current:
            former = numbers[:-_LIVE]
            self._former = tx.verdicts.settled(rounds=former) if former else []
            self._current, self._drift = current, None
        settled = self._former + tx.verdicts.settled(rounds=numbers[-_LIVE:])
        newest = sorted(settled, key=lambda item: (item.verdict.settled_at, item.post.id))[-_VERDICTS:][::-1]
        return {
            "accuracy": _by_round(settled, current),
            "verdicts": _verdicts(tx, newest),
            "model": _model(tx, settled),
            "drift": self._drifting(settled),
            "row": _row(tx, newest[0]) if newest else None,
        }

    def _drifting(self, settled: list[SettledPost]) -> dict[str, Any]:
        if self._drift is None or len(settled) >= self._drift[0] + _DRIFT_EVERY:
            self._drift = len(settled), drift_of(settled).as_dict()
        return self._drift[1]


def _by_round(settled: list[SettledPost], current: int) -> list[dict[str, Any]]:
    by_round: dict[int, list[SettledPost]] = {}
    for item in settled:
        by_round.setdefault(item.post.round_number, []).append(item)
    first = min(by_round, default=current)
    return [
        _accuracy(number, items)
        for number, items in sorted(by_round.items())
        if len(items) >= (_ENOUGH_YET if first < number == current else _ENOUGH)
    ]


def _accuracy(number: int, items: list[SettledPost]) -> dict[str, Any]:
    blank = accuracy(items, arm=Arm.BLANK, random_only=True)
    return {"round": number, "all": asdict(accuracy(items)), "blank": asdict(blank)}


def _verdicts(tx: Transaction, newest: list[SettledPost]) -> list[dict[str, Any]]:
    articles = tx.articles.get([item.post.article_id for item in newest])
    votes = tx.ledger.votes([item.post.id for item in newest])
    tags = tx.workspaces.tags()

    def emoji(said: str) -> str:
        return tags[said].short_name if said in tags else _GESTURES.get(said, said)

    return [
        {
            "channel": item.post.channel,
            "ts": item.post.ts,
            "title": articles[item.post.article_id].title,
            "arm": item.post.arm,
            "shown": emoji(item.post.shown_tag),
            "settled": [emoji(tag) for tag in item.verdict.tags],
            "outcome": item.verdict.outcome,
            "votes": [
                {"user": user, "names": [emoji(name) for name in names]}
                for user, names in said_by(votes.get(item.post.id, [])).items()
            ],
            "reward": item.verdict.reward,
        }
        for item in newest
    ]


def said_by(votes: list[Vote]) -> dict[str, list[str]]:
    """Return each user's votes: tag ids, or "rejects" and "unsure"."""
    said: dict[str, list[str]] = {}
    for vote in votes:
        said.setdefault(vote.user, []).append(vote.tag or vote.says)
    return said


def _model(tx: Transaction, settled: list[SettledPost]) -> dict[str, Any] | None:
    champion = tx.models.champion()
    if champion is None:
        return None
    data: Mapping[str, Any] = champion.card.get("data") or {}
    mine = accuracy(item for item in settled if item.model_version == champion.id)
    return {
        "version": champion.id,
        "since": champion.created_at.isoformat(),
        "accuracy": mine.value,
        "trained_on": data.get("verdicts"),
    }


def _row(tx: Transaction, item: SettledPost) -> dict[str, Any] | None:
    prediction = tx.posts.prediction(item.post.prediction_id)
    if prediction is None:
        return None
    return dataset_row(
        item.post, item.verdict, asdict(prediction), tx.articles.get([item.post.article_id])[item.post.article_id].title
    )


def dataset_row(post: Post, verdict: Verdict, prediction: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return one row of the reinforcement-learning dataset: context, action, propensity, reward, label."""
    likeliest = sorted(prediction["probabilities"].items(), key=lambda pair: -pair[1])[:5]
    return {
        "title": title,
        "arm": post.arm,
        "arm_probability": post.arm_probability,
        "action": post.shown_tag,
        "propensity": prediction["propensity"],
        "probabilities": {tag: round(p, 4) for tag, p in likeliest},
        "model": prediction["model_version"],
        "policy": prediction["policy"],
        "selection": prediction["selection"],
        "label": verdict.tags,
        "outcome": verdict.outcome,
        "reward": verdict.reward,
        "weight": round(verdict.weight, 3),
        "voters": verdict.voters,
        "support": verdict.support,
    }
