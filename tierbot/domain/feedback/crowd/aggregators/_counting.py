"""Sums that every expectation–maximisation over a crowd table needs, on sparse matrices.

A cell is a (worker, label) that occurs. Its row holds, for each possible truth k, how often that worker gave
that label where the truth was k. Cells, not full confusion matrices, keep memory at cells × labels.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

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
        """Sum cells of each worker: (cells, …) → (workers, …)."""
        return np.asarray(self._by_worker @ cells)

    def per_label(self, cells: Floats) -> Floats:
        """Sum cells of each given label: (cells, labels) → (labels given, labels true)."""
        total = np.zeros((self.labels, cells.shape[1]))
        np.add.at(total, self.label, cells)
        return total

    def hits(self, expected: Floats) -> Floats:
        """Return each worker's expected number of right votes, shape (workers,)."""
        return self.per_worker(expected[np.arange(len(expected)), self.label])

    def posterior(self, likelihood: Floats, prior: Floats) -> Floats:
        """Return P(truth | votes), shape (items, labels), from P(label | truth) per cell and the prior."""
        logs = self._votes @ np.log(np.maximum(likelihood, _FLOOR)) + np.log(np.maximum(prior, _FLOOR))
        return softmax(np.asarray(logs))


def softmax(logs: Floats) -> Floats:
    """Return exp(logs) normalized over the last axis, without overflow."""
    raised = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def iterate(step: Callable[[Floats], Floats], start: Floats, *, most: int, tolerance: float = 1e-4) -> Floats:
    """Repeat `step` on (items, labels) until the mean change falls below the tolerance, at most `most` times."""
    now = start
    for _ in range(most):
        before, now = now, step(now)
        if float(np.abs(now - before).mean()) < tolerance:
            break
    return now
