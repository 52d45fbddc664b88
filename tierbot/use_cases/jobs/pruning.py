"""Deletes once a day what is no longer needed, in small transactions: everything that a year of use would pile up.

What the dataset, the audit trail or an estimate needs stays: posts, predictions, the ledger, votes, each post's newest verdict.
docs/operations.md says for every table what bounds it.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from tierbot.settings import Settings
from tierbot.use_cases.portions import AT_ONCE, in_portions
from tierbot.use_cases.ports import Clock, Encoder, Job, Store, Transaction

log = logging.getLogger(__name__)


def prune(store: Store, clock: Clock, encoder: Encoder, settings: Settings, workspace: str, _: Job) -> None:
    """Delete what is older than the settings keep; a crash in between leaves the rest for the next run."""
    before = clock.now() - timedelta(days=settings.keep_days)

    def embeddings(tx: Transaction) -> int:
        return tx.articles.prune_embeddings({encoder.digest, *tx.models.encoders()}, AT_ONCE)

    parts: dict[str, Callable[[Transaction], int]] = {
        "deliveries": lambda tx: tx.outbox.prune(before, AT_ONCE),
        "superseded verdicts": lambda tx: tx.verdicts.prune(before, AT_ONCE),
        "other messages' reactions": lambda tx: tx.ledger.prune(before, AT_ONCE),
        "articles never asked about": lambda tx: tx.articles.prune(before, AT_ONCE),
        "notes of boundaries": lambda tx: tx.held_back.prune(AT_ONCE),
        "models' weights": lambda tx: tx.models.prune(settings.keep_models),
        "unused embeddings": embeddings,
    }
    gone = {what: in_portions(store, workspace, part) for what, part in parts.items()}
    if any(gone.values()):
        log.info("Deleted: %s.", ", ".join(f"{count} {what}" for what, count in gone.items() if count))
