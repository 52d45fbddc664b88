"""Selective reward terms: rewards where the policy found a post hard and the reward tells true from false.

The idea of AdaGRPO (2026), for one binary problem per tag: everywhere supervised likelihood on the verdict's labels, and
a term for the reward of the shown tag only where the likeliest tag had a small probability and the voters agreed, for or
against. The term is the binary likelihood of the reward, r·log p + (1 − r)·log(1 − p), as a weighted example of the
shown tag; it reaches posts whose verdict abstained, too. Off by default: what it was worth is in docs/benchmarks.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import SettledPost
from tierbot.domain.training.rows import TrainingRows


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """strength: weight of a term beside a verdict's; hard: the likeliest tag's p is below; telling: |2r − 1| at least."""

    strength: float = 0.0
    hard: float = 0.5
    telling: float = 0.6

    def chosen(self, settled: Sequence[SettledPost], likeliest: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which posts get a term, (n,); likeliest: (n,), the p of the likeliest tag when it was asked about."""
        rewards = np.array([np.nan if one.verdict.reward is None else one.verdict.reward for one in settled])
        with np.errstate(invalid="ignore"):
            tells = np.abs(2 * rewards - 1) >= self.telling  # False where nobody voted
        return np.asarray((likeliest < self.hard) & tells & (self.strength > 0))

    def added(self, rows: TrainingRows, settled: Sequence[SettledPost], likeliest: NDArray[np.float64]) -> TrainingRows:
        """Return the rows of these settled posts with their terms; rows and posts are in the same order."""
        place = {tag: column for column, tag in enumerate(rows.tag_ids)}
        at = [
            row
            for row in np.flatnonzero(self.chosen(settled, likeliest)).tolist()
            if settled[row].post.shown_tag in place
        ]
        if not at:
            return rows
        targets, weights = rows.targets.copy(), rows.weights.copy()
        for row in at:
            one = settled[row]
            column, reward = place[one.post.shown_tag], float(one.verdict.reward or 0.0)
            says, term = float(reward >= 0.5), np.float32(self.strength * one.verdict.weight * abs(2 * reward - 1))  # noqa: PLR2004
            if not weights[row, column] or targets[row, column] == says:
                targets[row, column] = says
                weights[row, column] += term
        return replace(rows, targets=targets, weights=weights)
