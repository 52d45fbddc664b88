"""Events that come together are written together, and nobody is told before the commit."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.domain.nouns import ReactionEvent
from tierbot.use_cases.voting.recording import Recorder

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(number: int) -> ReactionEvent:
    return ReactionEvent(f"Ev{number}", "C1", f"{number % 7}.000000", "U1", "pizza", True, NOW, NOW)


class SlowStore:
    """A store whose transactions wait at their end for `go`, and then fail if `fault` is set."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.fault: Exception | None = None

    @contextmanager
    def begin(self, workspace: str) -> Iterator[SimpleNamespace]:
        self.begun.release()
        yield SimpleNamespace(ledger=self)
        assert self.go.acquire(timeout=20)
        if self.fault is not None:
            raise self.fault

    def append_all(self, events: list[ReactionEvent]) -> list[bool]:
        self.batches.append([one.event_id for one in events])
        return [True] * len(events)


def test_what_arrives_while_others_are_written_is_written_together_and_told_only_after_its_own_commit() -> None:
    store = SlowStore()
    recorder = Recorder(store)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(recorder.record, WORKSPACE, event(0))
        assert store.begun.acquire(timeout=20)
        others = [pool.submit(recorder.record, WORKSPACE, event(number)) for number in range(1, 6)]
        while len(recorder._waiting.get(WORKSPACE, ())) < 5:
            pass
        assert not first.done()
        store.go.release()
        assert first.result(20)
        assert store.begun.acquire(timeout=20)
        assert not any(one.done() for one in others)
        store.go.release()
        assert [one.result(20) for one in others] == [True] * 5
    assert [sorted(batch) for batch in store.batches] == [["Ev0"], ["Ev1", "Ev2", "Ev3", "Ev4", "Ev5"]]


def test_a_commit_that_fails_fails_for_everyone_in_it_and_the_next_one_is_tried_afresh() -> None:
    store = SlowStore()
    recorder = Recorder(store)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(recorder.record, WORKSPACE, event(0))
        assert store.begun.acquire(timeout=20)
        others = [pool.submit(recorder.record, WORKSPACE, event(number)) for number in (1, 2)]
        while len(recorder._waiting.get(WORKSPACE, ())) < 2:
            pass
        store.fault = OSError("the disk is full")
        for _ in range(2):
            store.go.release()
        for one in (first, *others):
            with pytest.raises(OSError, match="disk is full"):
                one.result(20)
        store.fault = None
        store.go.release()
        assert recorder.record(WORKSPACE, event(0))


def test_a_workspace_does_not_wait_for_another() -> None:
    store = SlowStore()
    recorder = Recorder(store)  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(recorder.record, workspace, event(0)) for workspace in ("T1", "T2")]
        for _ in both:
            assert store.begun.acquire(timeout=20)
        for _ in both:
            store.go.release()
        assert [one.result(20) for one in both] == [True, True]


def test_other_work_waits_until_nothing_is_being_recorded() -> None:
    store = SlowStore()
    recorder = Recorder(store)  # type: ignore[arg-type]
    recorder.wait_until_idle(20)
    order = list[str]()

    def settle() -> None:
        recorder.wait_until_idle(20)
        order.append("settled")

    with ThreadPoolExecutor(2) as pool:
        recorded = pool.submit(recorder.record, WORKSPACE, event(0))
        assert store.begun.acquire(timeout=20)
        settled = pool.submit(settle)
        while not recorder._idle._waiters:  # type: ignore[attr-defined]
            pass
        order.append("recorded")
        store.go.release()
        assert recorded.result(20)
        settled.result(20)
    assert order == ["recorded", "settled"]


def test_other_work_waits_no_longer_than_it_may_and_not_at_all_after_a_failure() -> None:
    store = SlowStore()
    recorder = Recorder(store)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as pool:
        recorded = pool.submit(recorder.record, WORKSPACE, event(0))
        assert store.begun.acquire(timeout=20)
        recorder.wait_until_idle(0.01)
        assert not recorded.done()
        store.fault = OSError("the disk is full")
        store.go.release()
        assert recorded.exception(20) is store.fault
    recorder.wait_until_idle(20)
    assert recorder._recording == 0


def test_many_threads_that_bring_the_same_events_count_each_once(harness: Harness) -> None:
    def bring(_: int) -> int:
        return sum(harness.bot.loop.record(WORKSPACE, event(number)) for number in range(60))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, range(8))) == 60
    with harness.bot.store.read(WORKSPACE) as tx:
        assert sum(len(tx.ledger.events("C1", f"{number}.000000")) for number in range(7)) == 60
