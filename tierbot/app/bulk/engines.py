"""The engines: a pool of processes on this machine, and a Ray cluster, behind one Protocol."""

import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Protocol

from tierbot.app.bulk.work import ATTEMPTS, Shard, Work, do, lost
from tierbot.domain.nouns import TierbotError

_AHEAD = 2  # shards a worker that are read before they can be worked on: a worker never waits, and memory stays bounded

_work: Work | None = None  # in a worker of the pool: what it is here for


class Engine(Protocol):
    """Does work on shards, several at a time."""

    def done(self, work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, list[str]]]:
        """Yield each shard with what came of it, as they come; shards are read as workers get free.

        A shard whose worker died is tried again. Raises WorkerLostError if it dies each time, and TierbotError if the
        work itself cannot be done.
        """
        ...


def engine_of(name: str, workers: int | None) -> Engine:
    """Return the engine of a name, with so many workers (None: as many as there are processors).

    Raises TierbotError if there is none of this name, or it is not installed.
    """
    if workers is not None and workers < 1:
        raise TierbotError(f"--workers {workers}: there must be one at least.")
    if name == "local":
        return LocalEngine(workers or os.cpu_count() or 1)
    if name == "ray":
        from tierbot.app.bulk.cluster import RayEngine  # noqa: PLC0415 - an extra

        return RayEngine(workers)
    raise TierbotError(f"There is no engine {name!r}. Engines are: local, ray.")


class LocalEngine:
    """A pool of processes on this machine. One that dies takes the pool with it; a new one goes on."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def done(self, work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, list[str]]]:
        """See Engine."""
        run = _Run(work, iter(shards), self._workers)
        try:
            while run.fill():
                yield from run.finished()
        finally:
            run.end()


class _Run:
    """Work under way in a pool: what is in flight, and what must be done again since its process died."""

    def __init__(self, work: Work, source: Iterator[Shard], workers: int) -> None:
        self._work, self._source, self._workers = work, source, workers
        self._again: deque[Shard] = deque()
        self._attempts: Counter[int] = Counter()
        self._flying: dict[Future[list[str]], Shard] = {}
        self._pool = self._new_pool()

    def fill(self) -> bool:
        """Give the pool as much as it can do; return whether anything is in flight."""
        while len(self._flying) < _AHEAD * self._workers:
            shard = self._again.popleft() if self._again else next(self._source, None)
            if shard is None:
                break
            try:
                self._flying[self._pool.submit(_do_here, list(shard.lines))] = shard
            except BrokenProcessPool:
                self._renew([shard])
        return bool(self._flying)

    def finished(self) -> Iterator[tuple[Shard, list[str]]]:
        """Wait for the next that is done, and yield it with whatever else is."""
        broken: list[Shard] = []
        for future in wait(self._flying, return_when=FIRST_COMPLETED).done:
            shard = self._flying.pop(future)
            try:
                found = future.result()
            except BrokenProcessPool:
                broken.append(shard)
            else:
                yield shard, found
        if broken:
            self._renew(broken)

    def end(self) -> None:
        """Let go of the pool, whatever it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _renew(self, broken: list[Shard]) -> None:
        """Begin a new pool. Nobody can say which of those in flight ended the process: all are tried again."""
        broken = sorted([*broken, *self._flying.values()], key=lambda shard: shard.number)
        self._flying.clear()
        self.end()
        self._attempts.update(shard.number for shard in broken)
        if worst := next((shard for shard in broken if self._attempts[shard.number] >= ATTEMPTS), None):
            raise lost(worst)
        self._again.extend(broken)
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Not forked: threads and torch do not survive it.
        return ProcessPoolExecutor(self._workers, get_context("spawn"), initializer=_begin, initargs=(self._work,))


def _begin(work: Work) -> None:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - in the worker only

    global _work  # noqa: PLW0603
    Thread(target=_end_with_parent, daemon=True).start()
    threadpool_limits(1)  # the workers share the processors; and sums in one order are the same everywhere
    _work = work


def _end_with_parent() -> None:
    """End this process with the one it works for, which may be killed: nobody else would, and it holds a model."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do_here(lines: list[str]) -> list[str]:
    assert _work is not None  # noqa: S101 - set by _begin
    return do(_work, lines)
