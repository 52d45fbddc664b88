"""One-coin Dawid–Skene: a worker is right with one probability, and errs evenly over the other labels.

Y. Zhang, X. Chen, D. Zhou and M. I. Jordan (2014), "Spectral Methods Meet EM: A Provably Optimal Algorithm for
Crowdsourcing". One number a worker is all that few votes can teach.
"""

from dataclasses import dataclass

import numpy as np

from tierbot.domain.feedback.crowd.aggregators._counting import Cells, iterate
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable, Floats


@dataclass(frozen=True, slots=True)
class OneCoin:
    """EM from the vote shares. `pseudo_votes` at the crowd's mean accuracy; 0 is the paper's."""

    pseudo_votes: float = 0.0
    iterations: int = 100

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        cells = Cells(table)
        votes = np.bincount(table.worker, table.weight, len(table.workers))
        others = max(cells.labels - 1, 1)

        def accuracy(probabilities: Floats) -> Floats:
            hits = cells.hits(cells.expected(probabilities))
            mean = hits.sum() / votes.sum()
            return np.asarray((hits + self.pseudo_votes * mean) / (votes + self.pseudo_votes))

        def step(probabilities: Floats) -> Floats:
            right = accuracy(probabilities)[cells.worker]
            likelihood = np.repeat(((1 - right) / others)[:, None], cells.labels, axis=1)
            likelihood[np.arange(len(right)), cells.label] = right
            return cells.posterior(likelihood, np.full(cells.labels, 1 / cells.labels))

        probabilities = iterate(step, table.shares, most=self.iterations)
        return CrowdResult(table, probabilities, accuracy(probabilities))
