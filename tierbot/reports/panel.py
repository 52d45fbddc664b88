"""Report what tierbot learned as one JSON document, which the sandbox's page shows next to the channel."""

from dataclasses import asdict
from typing import Any

from tierbot.domain.nouns import Arm, Estimate, Says, SettledPost, Vote
from tierbot.domain.rounds.figures import change, is_chance
from tierbot.domain.tags.emoji import REJECT, UNSURE
from tierbot.domain.training.drift import drift_of
from tierbot.domain.training.judge import accuracy
from tierbot.use_cases.ports import Transaction

_GESTURES = {str(Says.REJECTS): REJECT, str(Says.UNSURE): UNSURE}
_ROUNDS = 12
_VERDICTS = 8
_ENOUGH = 5  # settled posts before a round's accuracy is shown in the chart
_ENOUGH_OPEN = 20  # the same for the open round: with fewer posts the headline figure would jump
_LIVE = 2  # newest rounds, which are read each time; votes on older ones show up when a round ends
_DRIFT_EVERY = 20  # settled posts between drift tests, which cost more than everything else


class Panel:
    """Computes a workspace's panel after each settling, caching the older rounds. For one thread at a time."""

    def __init__(self) -> None:
        self._current = 0
        self._former: list[SettledPost] = []
        self._drift: tuple[int, dict[str, Any]] | None = None

    def of(self, tx: Transaction) -> dict[str, Any]:
        """Return accuracy by round, the last verdicts, the champion, drift by tag, and one dataset row."""
        round_ = tx.rounds.current()
        current = round_.number if round_ else 0
        numbers = list(range(max(1, current - _ROUNDS + 1), current + 1))
        if current != self._current:
            former = numbers[:-_LIVE]
            self._former = tx.verdicts.settled(rounds=former) if former else []
            self._current, self._drift = current, None
        settled = self._former + tx.verdicts.settled(rounds=numbers[-_LIVE:])
        newest = sorted(settled, key=lambda item: (item.verdict.settled_at, item.post.id))[-_VERDICTS:][::-1]
        if self._drift is None or len(settled) >= self._drift[0] + _DRIFT_EVERY:
            self._drift = len(settled), drift_of(settled).as_dict()
        accuracies = _by_round(settled, current)
        return {
            "accuracy": accuracies,
            "change": _change(accuracies),
            "overall": {"rounds": len(accuracies), "all": asdict(accuracy(settled))},
            "verdicts": _verdicts(tx, newest),
            "model": _model(tx, settled),
            "drift": self._drift[1],
            "row": _row(tx, newest[0]) if newest else None,
        }


def _by_round(settled: list[SettledPost], current: int) -> list[dict[str, Any]]:
    by_round: dict[int, list[SettledPost]] = {}
    for item in settled:
        by_round.setdefault(item.post.round_number, []).append(item)
    first = min(by_round, default=current)
    return [
        {
            "round": number,
            "open": number == current,
            "all": asdict(accuracy(items)),
            "blank": asdict(accuracy(items, arm=Arm.BLANK, random_only=True)),
        }
        for number, items in sorted(by_round.items())
        if len(items) >= (_ENOUGH_OPEN if first < number == current else _ENOUGH)
    ]


def _change(rounds: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the newest round's change, with its interval and whether it may be chance; None while that round is open."""
    if len(rounds) < 2 or rounds[-1]["open"]:  # noqa: PLR2004 - a change needs two
        return None
    before, now = (Estimate(**one["all"]) for one in rounds[-2:])
    found = change(now, before)
    return {**asdict(found), "chance": is_chance(found)} if found else None


def _verdicts(tx: Transaction, newest: list[SettledPost]) -> list[dict[str, Any]]:
    articles = tx.articles.get([item.post.article_id for item in newest])
    votes = tx.ledger.votes([item.post.id for item in newest])
    tags = tx.workspaces.tags()

    def emoji(answer: str) -> str:
        return tags[answer].short_name if answer in tags else _GESTURES.get(answer, answer)

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
                for user, names in _answers(votes.get(item.post.id, [])).items()
            ],
            "reward": item.verdict.reward,
        }
        for item in newest
    ]


def _answers(votes: list[Vote]) -> dict[str, list[str]]:
    """Return what each user said: tag ids, or "rejects" and "unsure"."""
    answers: dict[str, list[str]] = {}
    for vote in votes:
        answers.setdefault(vote.user, []).append(vote.tag or vote.says)
    return answers


def _model(tx: Transaction, settled: list[SettledPost]) -> dict[str, Any] | None:
    champion = tx.models.champion()
    if champion is None:
        return None
    mine = accuracy(item for item in settled if item.model_version == champion.id)
    return {
        "version": champion.id,
        "since": champion.created_at.isoformat(),
        "accuracy": mine.value,
        "trained_on": (champion.card.get("data") or {}).get("verdicts"),
    }


def _row(tx: Transaction, item: SettledPost) -> dict[str, Any] | None:
    """Return one row of the reinforcement-learning dataset: context, action, propensity, reward, label."""
    post, verdict, prediction = item.post, item.verdict, tx.posts.prediction(item.post.prediction_id)
    if prediction is None:
        return None
    likeliest = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])[:5]
    return {
        "title": tx.articles.get([post.article_id])[post.article_id].title,
        "arm": post.arm,
        "arm_probability": post.arm_probability,
        "action": post.shown_tag,
        "propensity": prediction.propensity,
        "probabilities": {tag: round(p, 4) for tag, p in likeliest},
        "model": prediction.model_version,
        "policy": prediction.policy,
        "selection": asdict(prediction.selection),
        "label": verdict.tags,
        "outcome": verdict.outcome,
        "reward": verdict.reward,
        "weight": round(verdict.weight, 3),
        "voters": verdict.voters,
        "support": verdict.support,
    }
