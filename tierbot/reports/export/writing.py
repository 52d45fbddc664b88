"""Writes an export: the rows, and a card from their counts."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.reports.dataset import Only, Row, Settled, row_of, settled_posts
from tierbot.reports.export.format import ExportFormat, Surroundings, Written
from tierbot.use_cases.ports import Transaction


class _Counts:
    """The counts of the written rows."""

    def __init__(self) -> None:
        self.rows = self.votes = 0
        self.trainers: set[str] = set()
        self.arms: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.first: datetime | None = None
        self.last: datetime | None = None

    def rows_of(self, items: Iterator[Settled]) -> Iterator[Row]:
        for item in items:
            self.rows += 1
            self.votes += len(item.votes)
            self.trainers.update(vote.user for vote in item.votes)
            self.arms[item.post.arm.value] += 1
            self.outcomes[item.verdict.outcome.value] += 1
            self.labels.update(item.verdict.tags)
            self.models[item.prediction.model_version] += 1
            asked = item.post.created_at
            self.first = asked if self.first is None else min(self.first, asked)
            self.last = asked if self.last is None else max(self.last, asked)
            yield row_of(item)


def write_dataset(
    tx: Transaction,
    form: ExportFormat,
    path: Path,
    *,
    only: Only,
    name: Callable[[str], str],
    encoder_digest: str,
    dimension: int,
) -> Written:
    """Write the selected rows to `path`, in bounded memory, and report what was written.

    `name` turns user ids into what the dataset calls trainers. Raises TierbotError if `only.since` is a cursor of
    another database, and OSError if the disk is full.
    """

    def embeddings(ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return tx.articles.embeddings(encoder_digest, ids)

    counts = _Counts()
    rows = counts.rows_of(settled_posts(tx, only, name))
    notes = form.write(rows, path, Surroundings(tx.workspaces.tags(), embeddings, dimension))
    return Written(
        rows=counts.rows,
        votes=counts.votes,
        trainers=len(counts.trainers),
        cursor=max(tx.dataset.cursor(), only.since),
        arms=dict(counts.arms.most_common()),
        outcomes=dict(counts.outcomes.most_common()),
        labels=dict(counts.labels.most_common()),
        models=dict(sorted(counts.models.items())),
        first=counts.first.isoformat() if counts.first else None,
        last=counts.last.isoformat() if counts.last else None,
        notes=notes,
    )
