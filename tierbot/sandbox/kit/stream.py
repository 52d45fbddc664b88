"""The live stream of changes that the page, simulated colleagues and waiting control calls follow."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_REPLAYED = 5_000
_QUEUE = 50_000


class Stream:
    """Numbered changes; the latest are stored, so a listener can catch up after a reconnect."""

    def __init__(self) -> None:
        self.seq = 0
        self._kept: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_REPLAYED)
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._changed = asyncio.Event()

    def publish(self, kind: str, details: dict[str, Any]) -> None:
        """Send a change to all listeners."""
        self.seq += 1
        item = {"seq": self.seq, "type": kind, **details}
        self._kept.append((self.seq, item))
        if self._queues:
            text = json.dumps(item)
            for queue in list(self._queues):
                if queue.qsize() < _QUEUE:
                    queue.put_nowait(text)
                else:  # too slow: end the stream, so that the listener reconnects and catches up
                    self._queues.discard(queue)
                    queue.put_nowait(None)
        self._changed.set()
        self._changed = asyncio.Event()

    @contextmanager
    def subscribe(self, since: int | None = None) -> Iterator[asyncio.Queue[str | None]]:
        """Subscribe, starting with the stored changes after number `since`. None ends the stream."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        if since is not None:
            for seq, item in self._kept:
                if seq > since:
                    queue.put_nowait(json.dumps(item))
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End the stream for all listeners."""
        for queue in self._queues:
            queue.put_nowait(None)

    async def wait_until(self, predicate: Callable[[], bool], seconds: float) -> bool:
        """Wait up to `seconds` until a change makes `predicate` true; return its last value."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not predicate():
                    await self._changed.wait()
        return predicate()
