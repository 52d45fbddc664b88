"""Pools that are full from the first work on: a process's threads don't grow in number for days."""

import threading

import pytest

from tierbot.adapters.slack.pools import FullFollowingPool, FullPool


def threads_of(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


@pytest.mark.parametrize("kind", [FullPool, FullFollowingPool])
def test_a_pool_has_all_its_threads_from_the_first_work_on(kind: type[FullPool]) -> None:
    with kind(5, "full") as pool:
        assert threads_of("full") == 0
        assert pool.submit(sum, (1, 2)).result() == 3
        assert threads_of("full") == 5
        together = threading.Barrier(5)
        assert sorted(one.result() for one in [pool.submit(together.wait, 9) for _ in range(5)]) == [0, 1, 2, 3, 4]
        assert threads_of("full") == 5
    assert threads_of("full") == 0


def test_a_pool_that_gets_too_few_threads_says_so_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    start, left = threading.Thread.start, iter(range(3))

    def some_start(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    with FullPool(5, "too-few") as pool, monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", some_start)
        with pytest.raises(RuntimeError, match="new thread"):
            pool.submit(sum, (1, 2))
    assert threads_of("too-few") == 0
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(sum, (1, 2))
