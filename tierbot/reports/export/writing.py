"""Write the dataset from a transaction to a file, and count its rows for the dataset card."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.reports.dataset import Only, Row, Settled, row_of, settled_posts
from tierbot.reports.export.format import ExportFormat, Surroundings, Written
from tierbot.use_cases.ports import Transaction


def _counted(items: Iterator[Settled], written: Written) -> Iterator[Row]:
    for item in items:
        written.rows += 1
        written.votes += len(item.votes)
        written.trainers.update(vote.user for vote in item.votes)
        written.arms[item.post.arm.value] += 1
        written.outcomes[item.verdict.outcome.value] += 1
        written.labels.update(item.verdict.tags)
        written.models[item.prediction.model_version] += 1
        asked = item.post.created_at
        written.first = min(written.first or asked, asked)
        written.last = max(written.last or asked, asked)
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
    """Write the filtered rows in bounded memory and return their counts. TierbotError for another database's cursor."""

    def embeddings(ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return tx.articles.embeddings(encoder_digest, ids)

    written = Written(cursor=max(tx.verdicts.cursor(), only.since))
    rows = _counted(settled_posts(tx, only, name), written)
    written.notes = form.write(rows, path, Surroundings(tx.workspaces.tags(), embeddings, dimension))
    return written
