"""The engines that run bulk work: a pool of local processes, or a Ray cluster."""

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

_AHEAD = 2  # shards queued per worker, so that workers never wait and memory stays bounded

_work: Work | None = None  # this pool worker's work


class Engine(Protocol):
    """Processes several shards at a time."""

    def done(self, work: Work, shards: Iterable[Shard]) -> Iterator[tuple[Shard, list[str]]]:
        """Yield each shard with its result as it finishes, reading shards as workers become free.

        Retries a shard whose worker died. Raises WorkerLostError if every attempt fails that way, and TierbotError if the
        work itself fails.
        """
        ...


def engine_of(name: str, workers: int | None) -> Engine:
    """Return an engine by name, with `workers` workers (None: one per processor).

    Raises TierbotError if the engine is unknown or not installed.
    """
    if workers is not None and workers < 1:
        raise TierbotError(f"--workers {workers}: use 1 or more.")
    if name == "local":
        return LocalEngine(workers or os.cpu_count() or 1)
    if name == "ray":
        from tierbot.app.bulk.cluster import RayEngine  # noqa: PLC0415 - an extra

        return RayEngine(workers)
    raise TierbotError(f"Unknown engine {name!r}. Use local or ray.")


class LocalEngine:
    """A pool of processes on this machine. If one dies, the whole pool breaks, and a new pool takes over."""

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
    """A run in a pool: the shards in flight, and those to retry because a process died."""

    def __init__(self, work: Work, source: Iterator[Shard], workers: int) -> None:
        self._work, self._source, self._workers = work, source, workers
        self._again: deque[Shard] = deque()
        self._attempts: Counter[int] = Counter()
        self._flying: dict[Future[list[str]], Shard] = {}
        self._pool = self._new_pool()

    def fill(self) -> bool:
        """Submit as many shards as the pool can use; return whether any are in flight."""
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
        """Wait until a shard is done, then yield all finished ones."""
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
        """Shut the pool down without waiting for its work."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _renew(self, broken: list[Shard]) -> None:
        """Start a new pool and retry all shards in flight, because any of them may have ended the process."""
        broken = sorted([*broken, *self._flying.values()], key=lambda shard: shard.number)
        self._flying.clear()
        self.end()
        self._attempts.update(shard.number for shard in broken)
        if worst := next((shard for shard in broken if self._attempts[shard.number] >= ATTEMPTS), None):
            raise lost(worst)
        self._again.extend(broken)
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawn, because threads and torch don't survive a fork.
        return ProcessPoolExecutor(self._workers, get_context("spawn"), initializer=_begin, initargs=(self._work,))


def _begin(work: Work) -> None:
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - in the worker only

    global _work  # noqa: PLW0603
    Thread(target=_end_with_parent, daemon=True).start()
    threadpool_limits(1)  # workers share the processors, and sums in one fixed order are reproducible
    _work = work


def _end_with_parent() -> None:
    """Exit when the parent process ends, even if it is killed: this worker holds a model in memory."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do_here(lines: list[str]) -> list[str]:
    assert _work is not None  # noqa: S101 - set by _begin
    return do(_work, lines)
