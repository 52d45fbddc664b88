"""Adds selective reward terms: only where the post was hard for the model and the reward is clear.

This is the idea of AdaGRPO (2026) for one binary problem per tag. Every verdict's labels have the supervised
likelihood. The shown tag's reward gets a term only if the likeliest tag had a small probability and the voters agreed,
for or against. The term is the reward's binary likelihood, r·log p + (1 − r)·log(1 − p), as a weighted example of the
shown tag; posts whose verdict abstained can have one, too. Off by default; docs/benchmarks.md has its effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import SettledPost
from tierbot.domain.training.rows import TrainingRows


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """Settings. strength: a term's weight relative to a verdict's; hard: highest top p.

    clear: the highest reward that clearly says "wrong"; 1 − clear is the lowest that clearly says "right".
    """

    strength: float = 0.0
    hard: float = 0.5
    clear: float = 0.2

    def chosen(self, settled: Sequence[SettledPost], likeliest: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which posts get a term, (n,); likeliest: (n,), the top tag's p when the post was made."""
        rewards = np.array([np.nan if one.verdict.reward is None else one.verdict.reward for one in settled])
        with np.errstate(invalid="ignore"):
            is_clear = (rewards <= self.clear) | (rewards >= 1 - self.clear)  # False without voters
        return np.asarray((likeliest < self.hard) & is_clear & (self.strength > 0))

    def added(self, rows: TrainingRows, settled: Sequence[SettledPost], likeliest: NDArray[np.float64]) -> TrainingRows:
        """Add the terms to the rows of these settled posts, which are in the same order."""
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
