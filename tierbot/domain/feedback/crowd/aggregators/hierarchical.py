"""Implements our default: hierarchical Dawid–Skene, averaged with the majority vote.

A worker's answers for truth k shrink to their general accuracy, which shrinks to the crowd's accuracy and, in part, its
confusions. An accuracy is thus learned from a handful of votes, and personal confusions only from many, so sparse
crowds don't lose to the majority vote as with plain Dawid–Skene. Bayesian priors for Dawid–Skene: H.-C. Kim and
Z. Ghahramani (2012), "Bayesian Classifier Combination"; a hierarchy of them: S. Paun et al. (2018), "Comparing Bayesian
Models of Annotation", TACL 6. Averaging with the majority damps the overconfidence of assuming independent errors.
tests/benchmarks/test_crowds.py chose the settings and measures them on unseen data sets.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from tierbot.domain.feedback.crowd.aggregators._counting import Cells
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable, Floats

_CROWD_VOTES = 10.0  # pseudo-votes with which the crowd's confusions shrink to even errors
_SURE = 1e-3
_TOLERANCE = 1e-3  # mean change of a probability at which EM stops


@dataclass(frozen=True, slots=True)
class HierarchicalDawidSkene:
    """EM that starts from the vote shares.

    confusion_votes > 0: votes that the worker's expected row of confusions is worth. accuracy_votes ≥ 0: votes that
    the crowd's accuracy is worth. crowd_confusion in [0, 1]: how far the expected row follows the crowd's confusions
    rather than even errors. class_prior in [0, 1]: the exponent of the label frequencies in the prior, 0 for none.
    majority ≥ 0: the weight of the vote shares in the average; the model's is 1.
    """

    confusion_votes: float = 8.0
    accuracy_votes: float = 5.0
    crowd_confusion: float = 0.25
    class_prior: float = 0.5
    majority: float = 1.0
    iterations: int = 50

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table."""
        if len(table.labels) == 1:  # nothing to confuse
            return CrowdResult(table, table.shares)
        cells = Cells(table)
        votes = np.asarray(np.bincount(table.worker, table.weight, len(table.workers)), dtype=np.float64)
        modeled = table.shares
        for _ in range(self.iterations):
            expected = cells.expected(modeled)
            prior = self._expected_rows(cells, expected, votes)
            rows = cells.per_worker(expected)[cells.worker]
            likelihood = (expected + self.confusion_votes * prior) / (rows + self.confusion_votes)
            frequency = (modeled.sum(axis=0) + 1) / (len(modeled) + cells.labels)
            before, modeled = modeled, cells.posterior(likelihood, frequency**self.class_prior)
            if np.abs(modeled - before).mean() < _TOLERANCE:
                break
        probabilities = (modeled + self.majority * table.shares) / (1 + self.majority)
        return CrowdResult(table, probabilities, self._accuracy(cells, cells.expected(modeled), votes)[0])

    def _accuracy(self, cells: Cells, expected: Floats, votes: Floats) -> tuple[Floats, float]:
        """Return each worker's shrunk accuracy, shape (workers,), and the crowd's accuracy."""
        hits = cells.hits(expected)
        crowd = float(hits.sum() / votes.sum())
        return (hits + self.accuracy_votes * crowd) / (votes + self.accuracy_votes), crowd

    def _expected_rows(self, cells: Cells, expected: Floats, votes: Floats) -> Floats:
        """Return P(label | truth) that a cell shrinks to, shape (cells, labels)."""
        accuracy, crowd = self._accuracy(cells, expected, votes)
        even = np.full((cells.labels, cells.labels), (1 - crowd) / (cells.labels - 1))
        np.fill_diagonal(even, crowd)
        pooled = cells.per_label(expected)  # (given, true)
        pooled = (pooled + _CROWD_VOTES * even) / (pooled.sum(axis=0) + _CROWD_VOTES)
        base = self.crowd_confusion * pooled + (1 - self.crowd_confusion) * even
        right = np.diag(base)
        # The worker's odds of being right differ from the crowd's by the same factor for every truth.
        shift = _logit(accuracy) - _logit(np.array(crowd))
        own = expit(_logit(right) + shift[cells.worker][:, None])
        prior = base[cells.label] / np.maximum(1 - right, 1e-12) * (1 - own)
        at = np.arange(len(cells.label)), cells.label
        prior[at] = own[at]
        return np.asarray(prior)


def _logit(share: Floats) -> Floats:
    return np.asarray(logit(np.clip(share, _SURE, 1 - _SURE)))
