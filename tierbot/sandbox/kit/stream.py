"""The live stream of changes that the page, simulated colleagues and waiting control calls follow."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_REPLAYED = 5_000
_QUEUE = 50_000


class Stream:
    """Numbered changes; the latest are stored, so a listener can catch up after a reconnect."""

    def __init__(self) -> None:
        self.seq = 0
        self._kept: deque[tuple[int, dict[str, Any]]] = deque(maxlen=_REPLAYED)
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._waiting: set[asyncio.Future[None]] = set()

    def publish(self, kind: str, details: dict[str, Any]) -> None:
        """Send a change to all listeners."""
        self.seq += 1
        item = {"seq": self.seq, "type": kind, **details}
        self._kept.append((self.seq, item))
        if self._queues:
            text = json.dumps(item)
            for queue in list(self._queues):
                self._push(queue, text)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    def _push(self, queue: asyncio.Queue[str | None], text: str) -> None:
        if queue.qsize() >= _QUEUE:  # too slow: end the stream, so that the listener reconnects and catches up
            self._queues.discard(queue)
            queue.put_nowait(None)
        else:
            queue.put_nowait(text)

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
        deadline = asyncio.get_running_loop().time() + seconds
        while not predicate():
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return False
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await asyncio.wait_for(future, remaining)
            except TimeoutError:
                return predicate()
            finally:
                self._waiting.discard(future)
        return True
