"""Dawid–Skene: every worker has a confusion matrix, learned together with the truths.

A. P. Dawid and A. M. Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28(1). It is no safe default: with few votes a worker it loses to the majority
(see hierarchical.py for the one that does not). Own code because crowd-kit's takes no prior counts.
"""

from dataclasses import dataclass

import numpy as np

from tierbot.domain.feedback.crowd.aggregators._counting import Cells, iterate
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable, Floats


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """EM from the vote shares. `pseudo_votes` per row of a confusion matrix, spread evenly; 0 is the paper's."""

    pseudo_votes: float = 0.0
    iterations: int = 100

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        cells = Cells(table)

        def likelihood(probabilities: Floats) -> Floats:
            expected = cells.expected(probabilities)
            rows = cells.per_worker(expected)[cells.worker]
            return (expected + self.pseudo_votes / cells.labels) / np.maximum(rows + self.pseudo_votes, 1e-12)

        def step(probabilities: Floats) -> Floats:
            return cells.posterior(likelihood(probabilities), probabilities.mean(axis=0))

        probabilities = iterate(step, table.shares, most=self.iterations)
        expected = cells.expected(probabilities)
        votes = cells.per_worker(expected).sum(axis=1)
        return CrowdResult(table, probabilities, cells.hits(expected) / votes)
