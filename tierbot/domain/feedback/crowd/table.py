"""Defines plain crowd data, (item, worker, label) as arrays, and the result of aggregating it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError, key

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

_TIE = 1e-9  # closer probabilities are a tie: sums in another order differ by less


class CrowdError(TierbotError):
    """Crowd data that can't be settled; the text says why and what to do."""


@dataclass(frozen=True, eq=False)
class CrowdTable:
    """Votes as arrays. Names are sorted; votes are sorted by (item, worker, label)."""

    items: tuple[str, ...]
    workers: tuple[str, ...]
    labels: tuple[str, ...]
    item: Ints  # (votes,), indices into `items`; the next two likewise
    worker: Ints
    label: Ints
    weight: Floats  # (votes,), in (0, 1]: a worker who gave an item k labels has one vote, divided among the k

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, str]]) -> "CrowdTable":
        """Build the table from distinct (item, worker, label) rows in any order; CrowdError if there are none."""
        distinct = sorted(set(rows))
        if not distinct:
            raise CrowdError("There are no votes to settle. Give at least one row of item, worker and label.")
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
    def shares(self) -> Floats:
        """Each label's share of an item's votes, shape (items, labels), rows summing to 1."""
        shape = len(self.items), len(self.labels)
        cells = np.bincount(self.item * shape[1] + self.label, self.weight, minlength=shape[0] * shape[1])
        counts = cells.reshape(shape)
        return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class CrowdResult:
    """The result of aggregating a table."""

    table: CrowdTable
    probabilities: Floats  # shape (items, labels), rows summing to 1

    @cached_property
    def chosen(self) -> Mapping[str, str]:
        """The most probable label of each item; ties are broken by a fixed hash of item and label.

        Preferring the more common label is worse (.789 against .802 for majority vote over six public crowds), because
        a crowd's most common answer is often its default.
        """
        top = self.probabilities >= self.probabilities.max(axis=1, keepdims=True) - _TIE
        return {
            item: min((self.table.labels[at] for at in np.flatnonzero(top[row])), key=partial(key, item))
            for row, item in enumerate(self.table.items)
        }


class CrowdAggregator(Protocol):
    """Settles a whole table. Deterministic: the same rows, in any order, give the same result."""

    def settle(self, table: CrowdTable) -> CrowdResult:
        """Settle all items of the table."""
