"""Counts in the database from several threads at once: every turn reads and then writes, so a lost write shows."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.support.rows import NOON, TEAM
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.ports import Job, Transaction


def count_together(stores: Sequence[SqlStore], times: int) -> int:
    """Let a thread for each store add 1 so many times, all at once; return what the database has counted."""
    start = threading.Barrier(len(stores))

    def count_up(store: SqlStore) -> None:
        start.wait()
        for _ in range(times):
            with store.begin(TEAM) as tx:
                tx.agenda.put(Job("count", "count", NOON, {"n": 1 + _counted(tx)}))

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(count_up, stores))
    with stores[0].read(TEAM) as tx:
        return _counted(tx)


def _counted(tx: Transaction) -> int:
    job = tx.agenda.get("count")
    return int(job.payload["n"]) if job else 0
