"""Writes reaction events to the ledger in batches; each is acknowledged only after its commit.

A transaction costs more than its rows: the lock, the commit, switches between threads. Events that arrive while one batch is
being written form the next one.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future

from tierbot.domain.nouns import ReactionEvent
from tierbot.use_cases.ports import Store

_Waiting = tuple[ReactionEvent, Future[bool]]


class Recorder:
    """Writes reaction events into the ledger. Threads may share it; workspaces do not wait for each other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: defaultdict[str, list[_Waiting]] = defaultdict(list)
        self._writing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self._recording = 0
        self._idle = threading.Condition(self._guard)

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until no event is being recorded, for at most so many seconds: acknowledgments come first."""
        with self._idle:
            self._idle.wait_for(lambda: not self._recording, seconds)

    def record(self, workspace: str, event: ReactionEvent) -> bool:
        """Write an event; return, once committed, whether it was new. Raises TierbotError if it was not written."""
        written: Future[bool] = Future()
        with self._guard:
            self._recording += 1
            self._waiting[workspace].append((event, written))
            writing = self._writing[workspace]
        try:
            with writing:  # the first thread writes for all that wait
                with self._guard:
                    batch = self._waiting.pop(workspace, [])
                if batch:
                    self._write(workspace, batch)
        finally:
            with self._idle:
                self._recording -= 1
                if not self._recording:
                    self._idle.notify_all()
        return written.result()

    def _write(self, workspace: str, batch: Sequence[_Waiting]) -> None:
        try:
            with self._store.begin(workspace) as tx:
                new = tx.ledger.append_all([event for event, _ in batch])
        except BaseException as fault:  # noqa: BLE001 - raised again in everyone who waits
            for _, written in batch:
                written.set_exception(fault)
        else:
            for (_, written), is_new in zip(batch, new, strict=True):
                written.set_result(is_new)
