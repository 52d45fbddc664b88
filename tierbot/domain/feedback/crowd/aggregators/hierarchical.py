"""Our default: Dawid–Skene whose workers shrink to the crowd while their votes are few, averaged with majority.

What a worker does where the truth is k shrinks to how she answers in general (her accuracy), which shrinks to
how the crowd answers: its accuracy and, in part, what it confuses with what. So an accuracy is learned from a
handful of votes, a personal confusion only from many, and sparse crowds do not lose to the majority as plain
Dawid–Skene does. Bayesian priors for Dawid–Skene: H.-C. Kim and Z. Ghahramani (2012), "Bayesian Classifier
Combination"; a hierarchy of them: S. Paun et al. (2018), "Comparing Bayesian Models of Annotation", TACL 6. The
mean with the majority damps the over-confidence of assuming independent errors. The settings were chosen by
tests/benchmarks/test_crowds.py, which also measures what that choice is worth on sets it has not seen.
"""

from dataclasses import dataclass

import numpy as np

from tierbot.domain.feedback.crowd.aggregators._counting import Cells, iterate
from tierbot.domain.feedback.crowd.table import CrowdResult, CrowdTable, Floats

# Pseudo-votes with which the crowd's own confusions shrink to even errors.
_CROWD_VOTES = 10.0
_SURE = 1e-3


@dataclass(frozen=True, slots=True)
class HierarchicalDawidSkene:
    """EM from the vote shares; all strengths in votes.

    confusion_votes > 0: how many votes the worker's expected row of confusions is worth. accuracy_votes ≥ 0: how
    many the crowd's accuracy is worth against the worker's own. crowd_confusion in [0, 1]: how far the expected
    row follows the crowd's confusions rather than even errors. class_prior in [0, 1]: the exponent of the labels'
    frequencies as a prior of the truth, 0 for none. majority ≥ 0: the weight of the vote shares in the mean,
    the model's being 1.
    """

    confusion_votes: float = 8.0
    accuracy_votes: float = 5.0
    crowd_confusion: float = 0.25
    class_prior: float = 0.5
    majority: float = 1.0
    iterations: int = 50

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        if len(table.labels) == 1:  # nothing to confuse, nothing to learn
            return CrowdResult(table, table.shares)
        cells = Cells(table)
        votes = np.asarray(np.bincount(table.worker, table.weight, len(table.workers)), dtype=np.float64)

        def step(probabilities: Floats) -> Floats:
            expected = cells.expected(probabilities)
            prior = self._expected_rows(cells, expected, votes)
            rows = cells.per_worker(expected)[cells.worker]
            likelihood = (expected + self.confusion_votes * prior) / (rows + self.confusion_votes)
            frequency = (probabilities.sum(axis=0) + 1) / (len(probabilities) + cells.labels)
            return cells.posterior(likelihood, frequency**self.class_prior)

        modelled = iterate(step, table.shares, most=self.iterations, tolerance=1e-3)
        probabilities = (modelled + self.majority * table.shares) / (1 + self.majority)
        return CrowdResult(table, probabilities, self._accuracy(cells, cells.expected(modelled), votes)[0])

    def _accuracy(self, cells: Cells, expected: Floats, votes: Floats) -> tuple[Floats, float]:
        """Return each worker's shrunk accuracy, shape (workers,), and the crowd's."""
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
        # The worker's odds of being right differ from the crowd's by one factor, whatever the truth.
        shift = _logit(accuracy) - _logit(np.array(crowd))
        own = 1 / (1 + np.exp(-(_logit(right) + shift[cells.worker][:, None])))
        prior = base[cells.label] / np.maximum(1 - right, 1e-12) * (1 - own)
        at = np.arange(len(cells.label)), cells.label
        prior[at] = own[at]
        return np.asarray(prior)


def _logit(share: Floats) -> Floats:
    kept = np.clip(share, _SURE, 1 - _SURE)
    return np.asarray(np.log(kept) - np.log1p(-kept))
