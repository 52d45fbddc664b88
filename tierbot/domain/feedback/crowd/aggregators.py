"""Aggregates plain crowd data: our default method, majority vote, and crowd-kit's methods, by name.

The default is hierarchical Dawid–Skene, averaged with the majority vote. A worker's answers for truth k shrink to their
general accuracy, with errors spread evenly, and that shrinks to the crowd's accuracy. An accuracy is thus learned from a
handful of votes, and personal confusions only from many, the more the more labels there are. So sparse crowds, or those
with many labels, don't lose to the majority vote as with plain Dawid–Skene. Bayesian priors for Dawid–Skene: H.-C. Kim
and Z. Ghahramani (2012), "Bayesian Classifier Combination"; a hierarchy of them: S. Paun et al. (2018), "Comparing
Bayesian Models of Annotation", TACL 6. Averaging with the majority damps the overconfidence of assuming independent
errors. tests/benchmarks/test_crowds.py chose the settings and measures them on unseen data sets. The labels' frequencies,
or the crowd's common confusions, gained nothing there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from scipy import sparse
from scipy.special import softmax

from tierbot.domain.feedback.crowd.table import CrowdAggregator, CrowdError, CrowdResult, CrowdTable, Floats, Ints

DEFAULT_METHOD = "hierarchical"

_SURE = 1e-3
_TOLERANCE = 1e-3  # mean change of a probability at which EM stops
_FLOOR = 1e-12

_PREFIX = "crowd-kit/"
_INSTALL = "pip install '.[crowd]'"
# Our name → crowd-kit's class. Its Wawa is left out: it fails under scikit-learn 1.9.
CROWD_KIT = {"dawid-skene": "DawidSkene", "one-coin": "OneCoinDawidSkene", "mace": "MACE", "glad": "GLAD"}


def methods() -> tuple[str, ...]:
    """Return the available names, the default first, including crowd-kit's if it is installed."""
    return (*_OURS, *(f"{_PREFIX}{name}" for name in CROWD_KIT if find_spec("crowdkit")))


def aggregator(name: str) -> CrowdAggregator:
    """Return the aggregator of that name. Raises CrowdError for an unknown name."""
    if name in _OURS:
        return _OURS[name]()
    if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) in CROWD_KIT:
        return CrowdKit(name.removeprefix(_PREFIX))
    hint = "" if find_spec("crowdkit") else f" For crowd-kit's methods, run: {_INSTALL}"
    known = ", ".join((*_OURS, *(f"{_PREFIX}{one}" for one in CROWD_KIT)))
    raise CrowdError(f"Unknown method {name!r}. Choose one of: {known}.{hint}")


@dataclass(frozen=True, slots=True)
class Majority:
    """A label's probability is its share of the item's votes."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table."""
        return CrowdResult(table, table.shares)


@dataclass(frozen=True, slots=True)
class CrowdKit:
    """One of crowd-kit's classifiers, with its own defaults, if it is installed.

    D. Ustalov, N. Pavlichenko and B. Tseitlin (2024), "Learning from Crowds with Crowd-Kit", JOSS 9(96). Imported on
    first use: it needs pandas and pyarrow, which the bot doesn't.
    """

    name: str

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table. Raises CrowdError if crowd-kit isn't installed."""
        try:
            aggregation, pandas = import_module("crowdkit.aggregation"), import_module("pandas")
        except ImportError as fault:
            raise CrowdError(
                f"The method crowd-kit/{self.name} needs crowd-kit ({fault.name} is missing). Install it with: {_INSTALL}"
            ) from fault
        frame = pandas.DataFrame({"task": table.item, "worker": table.worker, "label": table.label})
        fitted = getattr(aggregation, CROWD_KIT[self.name])().fit_predict_proba(frame)
        found = fitted.reindex(index=range(len(table.items)), columns=range(len(table.labels))).to_numpy(float)
        # crowd-kit's MACE underflows on items with very many votes; use the vote shares there.
        broken = ~np.isfinite(found).all(axis=1) | ~(found.sum(axis=1) > 0)
        found = np.where(broken[:, None], table.shares, found)
        return CrowdResult(table, found / found.sum(axis=1, keepdims=True))


class _Cells:
    """The (worker, label) pairs that occur in a table, and sums over its votes, on sparse matrices.

    A cell's row counts, for each possible truth k, how often the worker gave that label when the truth was k. _Cells
    instead of full confusion matrices keep memory at cells × labels.
    """

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

    def hits(self, expected: Floats) -> Floats:
        """Return each worker's expected number of right votes, shape (workers,)."""
        return self.per_worker(expected[np.arange(len(expected)), self.label])

    def posterior(self, likelihood: Floats) -> Floats:
        """Return P(truth | votes), shape (items, labels), from P(label | truth) per cell and an even prior."""
        logs = self._votes @ np.log(np.maximum(likelihood, _FLOOR))
        return np.asarray(softmax(np.asarray(logs), axis=-1))


@dataclass(frozen=True, slots=True)
class HierarchicalDawidSkene:
    """EM that starts from the vote shares.

    confusion_votes > 0: votes that the worker's expected row of confusions is worth, for each label. accuracy_votes ≥ 0:
    votes that the crowd's accuracy is worth. majority ≥ 0: the weight of the vote shares in the average; the model's is 1.
    """

    confusion_votes: float = 4.0
    accuracy_votes: float = 2.0
    majority: float = 1.0
    iterations: int = 50

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table."""
        if len(table.labels) == 1:  # nothing to confuse
            return CrowdResult(table, table.shares)
        cells = _Cells(table)
        votes = np.asarray(np.bincount(table.worker, table.weight, len(table.workers)), dtype=np.float64)
        worth = self.confusion_votes * cells.labels
        modeled = table.shares
        for _ in range(self.iterations):
            expected = cells.expected(modeled)
            rows = cells.per_worker(expected)[cells.worker]
            likelihood = (expected + worth * self._prior(cells, expected, votes)) / (rows + worth)
            before, modeled = modeled, cells.posterior(likelihood)
            if np.abs(modeled - before).mean() < _TOLERANCE:
                break
        return CrowdResult(table, (modeled + self.majority * table.shares) / (1 + self.majority))

    def _prior(self, cells: _Cells, expected: Floats, votes: Floats) -> Floats:
        """Return P(label | truth) that a cell shrinks to, shape (cells, labels): the worker's accuracy, and even errors."""
        hits = cells.hits(expected)
        crowd = float(hits.sum() / votes.sum())
        accuracy = ((hits + self.accuracy_votes * crowd) / (votes + self.accuracy_votes))[cells.worker]
        accuracy = np.clip(accuracy, _SURE, 1 - _SURE)
        prior = np.repeat(((1 - accuracy) / (cells.labels - 1))[:, None], cells.labels, axis=1)
        prior[np.arange(len(cells.label)), cells.label] = accuracy
        return np.asarray(prior)


_OURS: Mapping[str, Callable[[], CrowdAggregator]] = {"hierarchical": HierarchicalDawidSkene, "majority": Majority}
