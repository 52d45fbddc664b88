"""Computes the sums for expectation maximization over a crowd table, on sparse matrices.

A cell is a (worker, label) that occurs. Its row counts, for each possible truth k, how often the worker gave that
label when the truth was k. Cells instead of full confusion matrices keep memory at cells × labels.
"""

import numpy as np
from scipy import sparse
from scipy.special import softmax

from tierbot.domain.feedback.crowd.table import CrowdTable, Floats, Ints

_FLOOR = 1e-12


class Cells:
    """The (worker, label) cells of a table, and the two sums over its votes."""

    def __init__(self, table: CrowdTable) -> None:
        self.labels = len(table.labels)
        self.workers = len(table.workers)
        code, which = np.unique(table.worker * self.labels + table.label, return_inverse=True)
        self.worker: Ints = code // self.labels
        self.label: Ints = code % self.labels
        self._votes = sparse.csr_array((table.weight, (table.item, which)), shape=(len(table.items), len(code)))
        self._by_cell = sparse.csr_array(self._votes.T)
        self._by_worker = sparse.csr_array(
            (np.ones(len(code)), (self.worker, np.arange(len(code)))), shape=(self.workers, len(code))
        )

    def expected(self, probabilities: Floats) -> Floats:
        """Return expected votes per cell and truth, shape (cells, labels), from (items, labels)."""
        return np.asarray(self._by_cell @ probabilities)

    def per_worker(self, cells: Floats) -> Floats:
        """Sum the cells of each worker: (cells, …) → (workers, …)."""
        return np.asarray(self._by_worker @ cells)

    def per_label(self, cells: Floats) -> Floats:
        """Sum the cells of each given label: (cells, labels) → (labels given, labels true)."""
        total = np.zeros((self.labels, cells.shape[1]))
        np.add.at(total, self.label, cells)
        return total

    def hits(self, expected: Floats) -> Floats:
        """Return each worker's expected number of right votes, shape (workers,)."""
        return self.per_worker(expected[np.arange(len(expected)), self.label])

    def posterior(self, likelihood: Floats, prior: Floats) -> Floats:
        """Return P(truth | votes), shape (items, labels), from P(label | truth) per cell and the prior."""
        logs = self._votes @ np.log(np.maximum(likelihood, _FLOOR)) + np.log(np.maximum(prior, _FLOOR))
        return np.asarray(softmax(np.asarray(logs), axis=-1))
