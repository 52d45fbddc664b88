"""Reaction events are written many at a time, and each is acknowledged only once its own is committed.

A transaction costs more than what is written in it: its lock, its commit, its turns with other threads. While one
batch is being written, events that arrive join the next one; the first of them writes it for all.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from tierbot.domain import ReactionEvent
from tierbot.ports import Store


@dataclass(frozen=True, slots=True)
class _Lane:
    """One workspace's turn to write, and the events that wait for it."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[tuple[ReactionEvent, "Future[bool]"]] = field(default_factory=list)


class Recorder:
    """Writes reaction events into the ledger. Threads may share it; workspaces do not wait for each other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lanes: dict[str, _Lane] = {}
        self._guard = threading.Lock()

    def record(self, workspace: str, event: ReactionEvent) -> bool:
        """Write an event and return, once it is committed, whether it was new.

        Raises TierbotError (of the store's) if it could not be written: then it is not in the ledger.
        """
        future: Future[bool] = Future()
        with self._guard:
            lane = self._lanes.setdefault(workspace, _Lane())
            lane.waiting.append((event, future))
            leads = len(lane.waiting) == 1
        if leads:
            with lane.turn:  # until it is free, others join
                with self._guard:
                    batch = lane.waiting[:]
                    lane.waiting.clear()
                self._write(workspace, batch)
        return future.result()

    def _write(self, workspace: str, batch: "Sequence[tuple[ReactionEvent, Future[bool]]]") -> None:
        try:
            with self._store.begin(workspace) as tx:
                new = tx.ledger.append_all([event for event, _ in batch])
        except BaseException as fault:
            for _, future in batch:
                future.set_exception(fault)
            if not isinstance(fault, Exception):  # the process is told to end: no listener may keep that to itself
                raise
        else:
            for (_, future), is_new in zip(batch, new, strict=True):
                future.set_result(is_new)
