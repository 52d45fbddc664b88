"""Reaction events are written many at a time, and each is acknowledged only once its own is committed.

A transaction costs more than what is written in it: its lock, its commit, its turns with other threads. While one
batch is being written, events that arrive gather for the next one. Whoever brings an event need not wait for it: they
are told of its commit, so that an event loop or a reader of frames goes on meanwhile.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tierbot.domain.nouns import ReactionEvent
from tierbot.use_cases.ports import Store

Told = Callable[[bool, BaseException | None], None]
"""Is told of one event's end: whether it was new, and what kept it from being written, None if it is committed."""

_log = logging.getLogger(__name__)
_WRITERS = 4  # workspaces that are written to at once


class Recorder:
    """Writes reaction events into the ledger. Threads may share it; workspaces do not wait for each other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, list[tuple[ReactionEvent, Told]]] = {}
        self._written_to: set[str] = set()
        self._guard = threading.Lock()
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="tierbot-ledger")

    def hand_in(self, workspace: str, event: ReactionEvent, told: Told) -> None:
        """Have an event written; `told` is called once, by another thread, after its commit or its failure.

        Raises RuntimeError if the interpreter is ending: then `told` is not called, and nothing is written.
        """
        with self._guard:
            self._waiting.setdefault(workspace, []).append((event, told))
            if workspace in self._written_to:
                return
            self._writers.submit(self._write_all, workspace)
            self._written_to.add(workspace)

    def record(self, workspace: str, event: ReactionEvent) -> bool:
        """Write an event and return, once it is committed, whether it was new.

        Raises TierbotError (of the store's) if it could not be written: then it is not in the ledger.
        """
        end: Future[bool] = Future()

        def told(new: bool, fault: BaseException | None) -> None:
            if fault is None:
                end.set_result(new)
            else:
                end.set_exception(fault)

        self.hand_in(workspace, event, told)
        return end.result()

    def _write_all(self, workspace: str) -> None:
        while True:
            with self._guard:
                batch = self._waiting.pop(workspace, None)
                if batch is None:
                    self._written_to.discard(workspace)
                    return
            self._write(workspace, batch)

    def _write(self, workspace: str, batch: Sequence[tuple[ReactionEvent, Told]]) -> None:
        fault: BaseException | None = None
        new = [False] * len(batch)
        try:
            with self._store.begin(workspace) as tx:
                new = tx.ledger.append_all([event for event, _ in batch])
        except BaseException as raised:  # noqa: BLE001 - told to everyone who waits, who would wait for ever
            fault = raised
        for (_, told), is_new in zip(batch, new, strict=True):
            try:
                told(is_new, fault)
            except Exception:  # noqa: BLE001 - the others of the batch must be told, too
                _log.exception("The end of an event's writing could not be told.")
