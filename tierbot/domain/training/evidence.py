"""Off-policy evidence beside a promotion: what two models would have earned on posts that neither learned from.

The posts that judge a challenger were shown by the policy in service, with logged propensities and rewards. Had each
model always shown the tag that it holds likeliest, what would colleagues have said? TIER reveals the truth as well,
which is what the judge goes by; the estimates stand beside it, for the card and the round's report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import SettledPost
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.offpolicy import Log, doubly_robust, ips, snips
from tierbot.domain.training.rows import TrainingRows


@dataclass(frozen=True, slots=True)
class Logged:
    """What was shown on n settled posts, and earned.

    rewards: (n,) in [0, 1], NaN without voters; propensities: (n,) in (0, 1]; shown: (n,), the column of the tag that
    was shown among the verdicts' tags, −1 if it is none of them.
    """

    rewards: NDArray[np.float64]
    propensities: NDArray[np.float64]
    shown: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> "Logged":
        """Return the given posts, in that order."""
        return Logged(self.rewards[rows], self.propensities[rows], self.shown[rows])

    def over(self, tag_ids: Sequence[str], others: Sequence[str]) -> "Logged":
        """Return the same posts with `shown` among other tags than `tag_ids`."""
        place = {tag: column for column, tag in enumerate(others)}
        columns = np.array([*(place.get(tag, -1) for tag in tag_ids), -1], dtype=np.int64)  # −1 stays −1
        return Logged(self.rewards, self.propensities, columns[self.shown])


def logged_of(settled: Sequence[SettledPost], tag_ids: Sequence[str]) -> Logged:
    """Return the log of settled posts, in their order."""
    place = {tag: column for column, tag in enumerate(tag_ids)}
    rewards = [np.nan if item.verdict.reward is None else item.verdict.reward for item in settled]
    return Logged(
        np.array(rewards, dtype=np.float64),
        np.array([item.propensity for item in settled], dtype=np.float64),
        np.array([place.get(item.post.shown_tag, -1) for item in settled], dtype=np.int64),
    )


def off_policy(
    models: Mapping[str, Classifier], rows: TrainingRows, logged: Logged, reward_model: str
) -> dict[str, Any]:
    """Return estimates for each model as if it had always shown its likeliest tag, by IPS, SNIPS and doubly robust.

    rows and logged: the same n posts, unknown to the models. The doubly robust estimate takes p of the model named
    `reward_model` for expected rewards. Empty without a rewarded post.
    """
    told = np.flatnonzero(~np.isnan(logged.rewards) & (logged.shown >= 0) & (logged.propensities > 0))
    if not len(told):
        return {}
    rows, logged = rows.take(told), logged.take(told)
    at = np.arange(len(told))
    p = {name: model.probabilities(rows.features, rows.tag_ids) for name, model in models.items()}
    expected = p[reward_model]
    found: dict[str, Any] = {"n": len(told)}
    for name in models:
        top = p[name].argmax(axis=1)
        log = Log(logged.rewards, logged.propensities, (top == logged.shown).astype(np.float64))
        values = (ips(log), snips(log), doubly_robust(log, expected[at, logged.shown], expected[at, top]))
        found[name] = {value.method: asdict(value) for value in values}
    return found


def in_words(evidence: Mapping[str, Any], ours: str, theirs: str) -> str:
    """Return the evidence as half a sentence, by SNIPS, which erred least in simulation; "" where there is none."""
    if not evidence:
        return ""
    mine, other = evidence[ours]["snips"], evidence[theirs]["snips"]
    if mine["value"] is None or other["value"] is None:
        return ""
    return (
        f"estimated reward of always showing its first choice {_value(mine)}, of the model before {_value(other)} "
        f"(off-policy, {evidence['n']} posts, effective {mine['effective_n']:.0f})"
    )


def _value(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
