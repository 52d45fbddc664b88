"""Estimates off-policy what two models would have earned on posts that neither learned from.

The posts that judge a challenger have logged propensities and rewards. What would the rewards have been if each model
had always shown its likeliest tag? The judge itself uses the true tags, which TIER reveals; these estimates go on the
model's card and into the round report.
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
    """The log of n settled posts."""

    rewards: NDArray[np.float64]  # (n,) in [0, 1], NaN without voters
    propensities: NDArray[np.float64]  # (n,) in (0, 1]
    shown: NDArray[np.int64]  # (n,), the column of the shown tag among the verdicts' tags, or −1

    def take(self, rows: NDArray[np.intp]) -> "Logged":
        """Return the given posts, in that order."""
        return Logged(self.rewards[rows], self.propensities[rows], self.shown[rows])

    def over(self, tag_ids: Sequence[str], others: Sequence[str]) -> "Logged":
        """Return the same posts, with `shown` as a column of `others` instead of `tag_ids`."""
        place = {tag: column for column, tag in enumerate(others)}
        columns = np.array([*(place.get(tag, -1) for tag in tag_ids), -1], dtype=np.int64)  # −1 stays −1
        return Logged(self.rewards, self.propensities, columns[self.shown])


def logged_of(settled: Sequence[SettledPost], tag_ids: Sequence[str]) -> Logged:
    """Return the log of settled posts, in order."""
    place = {tag: column for column, tag in enumerate(tag_ids)}
    rewards = [np.nan if item.verdict.reward is None else item.verdict.reward for item in settled]
    return Logged(
        np.array(rewards, dtype=np.float64),
        np.array([item.propensity for item in settled], dtype=np.float64),
        np.array([place.get(item.post.shown_tag, -1) for item in settled], dtype=np.int64),
    )


def off_policy(challenger: Classifier, champion: Classifier, rows: TrainingRows, logged: Logged) -> dict[str, Any]:
    """Estimate each model's reward if it always showed its likeliest tag, with IPS, SNIPS and doubly robust.

    rows, logged: the same n posts, new to the models. The champion's p are the doubly robust estimate's expected
    rewards. Returns {} if no post has a reward.
    """
    usable = np.flatnonzero(~np.isnan(logged.rewards) & (logged.shown >= 0) & (logged.propensities > 0))
    if not len(usable):
        return {}
    rows, logged = rows.take(usable), logged.take(usable)
    at = np.arange(len(usable))
    expected = champion.probabilities(rows.features, rows.tag_ids)
    both = {"challenger": challenger.probabilities(rows.features, rows.tag_ids), "champion": expected}
    found: dict[str, Any] = {"n": len(usable)}
    for name, p in both.items():
        top = p.argmax(axis=1)
        log = Log(logged.rewards, logged.propensities, (top == logged.shown).astype(np.float64))
        values = (ips(log), snips(log), doubly_robust(log, expected[at, logged.shown], expected[at, top]))
        found[name] = {value.method: asdict(value) for value in values}
    return found


def in_words(evidence: Mapping[str, Any]) -> str:
    """Return the evidence as a clause, from SNIPS, which was most accurate in simulation; "" without evidence."""
    if not evidence:
        return ""
    mine, other = evidence["challenger"]["snips"], evidence["champion"]["snips"]
    if mine["value"] is None or other["value"] is None:
        return ""
    return (
        f"estimated reward of always showing its top tag: {_value(mine)}; of the previous model: {_value(other)} "
        f"(off-policy, {evidence['n']} posts, effectively {mine['effective_n']:.0f})"
    )


def _value(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
