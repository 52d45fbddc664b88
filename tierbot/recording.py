"""Reaction events are written many at a time, and each is acknowledged only once its own is committed.

A transaction costs more than what is written in it: its lock, its commit, its turns with other threads. While one
batch is being written, events that arrive join the next one; the first of them writes it for all.
"""

import threading
from dataclasses import dataclass, field

from tierbot.domain import ReactionEvent
from tierbot.ports import Store


@dataclass(slots=True)
class _Batch:
    """Events that are written together, and what came of it once `done` is set."""

    events: list[ReactionEvent] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    new: list[bool] = field(default_factory=list)
    fault: BaseException | None = None


@dataclass(slots=True)
class _Lane:
    """One workspace's turn to write, and the batch that may still be joined."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    batch: _Batch = field(default_factory=_Batch)


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
        with self._guard:
            lane = self._lanes.setdefault(workspace, _Lane())
            batch, place = lane.batch, len(lane.batch.events)
            batch.events.append(event)
        if place == 0:
            with lane.turn:  # until it is free, others join
                with self._guard:
                    lane.batch = _Batch()
                self._write(workspace, batch)
        batch.done.wait()
        if batch.fault is not None:
            raise batch.fault
        return batch.new[place]

    def _write(self, workspace: str, batch: _Batch) -> None:
        try:
            with self._store.begin(workspace) as tx:
                batch.new = tx.ledger.append_all(batch.events)
        except BaseException as fault:  # noqa: BLE001 - raised again by everyone who waits, who would wait for ever
            batch.fault = fault
        finally:
            batch.done.set()
