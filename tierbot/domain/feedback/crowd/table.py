"""Plain crowd data, (item, worker, label), as arrays, and what an aggregator of it returns.

The aggregators in feedback/aggregators stand on this; the live game, whose votes are richer, on learned.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError, key

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

# Probabilities closer than this are a tie: sums of the same votes in another order differ by less.
_TIE = 1e-9


class CrowdError(TierbotError):
    """Crowd data that cannot be settled; the text says why and what to do."""


@dataclass(frozen=True, eq=False)
class CrowdTable:
    """Who gave which label to which item. Names are sorted, votes ordered by (item, worker, label).

    `item`, `worker` and `label` have shape (votes,) and index `items`, `workers` and `labels`. `weight`, also
    (votes,), in (0, 1]: a worker who gave k different labels to one item has one vote, shared among the k.
    """

    items: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    item: Ints
    worker: Ints
    label: Ints
    weight: Floats

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, str]]) -> "CrowdTable":
        """Build the table from (item, worker, label) rows in any order; a repeated row counts once.

        Raises CrowdError if there is no row.
        """
        distinct = sorted(set(rows))
        if not distinct:
            raise CrowdError("No vote to settle: give at least one row of item, worker and label.")
        items, workers, labels = (tuple(sorted({row[column] for row in distinct})) for column in range(3))
        at = [{name: place for place, name in enumerate(names)} for names in (items, workers, labels)]
        places = np.array([[at[column][row[column]] for column in range(3)] for row in distinct], dtype=np.intp)
        _, whose, given = np.unique(places[:, 0] * len(workers) + places[:, 1], return_inverse=True, return_counts=True)
        return cls(items, workers, labels, places[:, 0], places[:, 1], places[:, 2], 1.0 / given[whose])

    @property
    def votes(self) -> int:
        """The number of distinct (item, worker, label) rows."""
        return len(self.item)

    @cached_property
    def counts(self) -> Floats:
        """Weighted votes for each label of each item, shape (items, labels)."""
        shape = len(self.items), len(self.labels)
        cells = np.bincount(self.item * shape[1] + self.label, self.weight, minlength=shape[0] * shape[1])
        return np.asarray(cells.reshape(shape), dtype=np.float64)

    @cached_property
    def shares(self) -> Floats:
        """Each label's share of an item's votes, shape (items, labels), rows summing to 1."""
        return np.asarray(self.counts / self.counts.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class CrowdResult:
    """What an aggregator makes of a table.

    probabilities: shape (items, labels), rows summing to 1. reliability: shape (workers,), in [0, 1], the
    estimated probability that a worker's vote is right; None where the method judges no worker.
    """

    table: CrowdTable
    probabilities: Floats
    reliability: Floats | None = None

    @cached_property
    def chosen(self) -> Mapping[str, str]:
        """The most probable label of each item.

        A tie is settled by a fixed hash of item and label: a lottery that anyone can repeat and that favours no
        label. Giving ties to the label that is commoner in the table sounds better and is worse (majority vote
        over six public crowds: .789, against .802 expected of a lottery), since what a crowd says too often is its default.
        """
        labels = self.table.labels
        top = self.probabilities >= self.probabilities.max(axis=1, keepdims=True) - _TIE
        return {
            item: _drawn(item, [labels[at] for at in np.flatnonzero(top[row])])
            for row, item in enumerate(self.table.items)
        }


def _drawn(item: str, tied: list[str]) -> str:
    return min(tied, key=lambda label: key(item, label))


class CrowdAggregator(Protocol):
    """Settles a whole table at once. Deterministic: the same rows, in any order, give the same settlement."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Return the settlement of all items of the table."""
        ...
