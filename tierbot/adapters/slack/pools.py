"""Thread pools for Slack's messages, which have all their threads from the first one on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tierbot.logs import FollowingExecutor


class FullPool(ThreadPoolExecutor):
    """A thread pool that starts all its threads with its first work.

    So a process has as many threads on its first busy day as on any later one. The standard pool adds one whenever no other
    is idle, for as long as it has fewer than it may.
    """

    def __init__(self, threads: int, name: str) -> None:
        """Make a pool of so many threads, whose names start with `name`."""
        super().__init__(threads, thread_name_prefix=name)
        self._threads_wanted = threads
        self._filling = threading.Lock()
        self._full = False

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Queue the work."""
        if not self._full:
            self._fill()
        return super().submit(work, *arguments, **options)

    def _fill(self) -> None:
        with self._filling:
            if self._full:
                return
            all_are_there = threading.Barrier(self._threads_wanted)
            try:
                for _ in range(self._threads_wanted):
                    super().submit(all_are_there.wait)
            except BaseException:  # it is shutting down, or the system has no more threads
                all_are_there.abort()
                raise
            self._full = True


class FullFollowingPool(FullPool, FollowingExecutor):
    """A FullPool whose records carry the ids bound where the work was submitted."""
