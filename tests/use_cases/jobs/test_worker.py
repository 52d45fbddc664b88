"""The worker: the outbox is sent and votes settle, and what fails in one workspace keeps no other waiting."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness
from tests.scenarios.conftest import wait_until
from tests.support.fakes import KeptFigures
from tierbot.use_cases.jobs.worker import Worker
from tierbot.use_cases.ports import Delivery, DeliveryKind, Workspace

BROKEN = [f"B{number:02d}" for number in range(70)]
"""More workspaces than are sent to at once; all come before the one that is sound."""

SOUND = "T1"


def nothing(_: str) -> bool:
    return False


@pytest.fixture
def work(harness: Harness) -> Any:
    """Return a function that starts a worker over workspaces of which most are broken."""
    for team in BROKEN:
        with harness.bot.store.begin(team) as tx:
            tx.workspaces.put(Workspace(team, team, harness.clock.now()))
    workers: list[Worker] = []

    def start(**parts: Any) -> Worker:
        parts = {"deliver": nothing, "settle": lambda _: 0} | parts
        workers.append(Worker(harness.bot.store, harness.clock, **parts))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        assert worker.stop(grace=30)


def in_sound(done: Callable[[str], Any]) -> Callable[[str], Any]:
    """Do something in the sound workspace, and fail in all others."""

    def do(team: str) -> Any:
        if team != SOUND:
            raise RuntimeError(f"a damaged row in {team}")
        return done(team)

    return do


def test_a_worker_at_work_is_not_in_trouble_and_times_what_it_settles(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    meter, settled = KeptFigures(), threading.Event()
    loop = harness.bot.loop
    worker = Worker(
        harness.bot.store, harness.clock, loop.deliver, loop.settle, lambda _: settled.set(), meter, loop.look_up
    )
    assert worker.trouble() == "tierbot-deliver has not started"
    assert worker.dead() is None
    worker.start()
    for user in ("U1", "U2"):
        harness.react(user, ts, harness.emoji(ts))
    worker.wake()
    assert settled.wait(30)
    assert worker.trouble() is None
    assert worker.stop()
    assert ("settle", False) in meter.work


def test_votes_that_never_pause_are_settled_all_the_same(harness: Harness) -> None:
    settled = threading.Event()
    worker = Worker(harness.bot.store, harness.clock, nothing, lambda _: settled.set() or 0)
    worker.start()
    assert settled.wait(30)
    ended = threading.Event()
    stream = threading.Thread(target=lambda: [worker.wake() for _ in iter(lambda: ended.wait(0.001), True)])
    stream.start()
    for _ in range(2):
        settled.clear()
        found = settled.wait(30)
    ended.set()
    stream.join()
    assert found
    assert worker.stop(grace=30)


def test_workspaces_whose_settling_fails_keep_no_other_from_being_settled(work: Any) -> None:
    settled: list[str] = []
    worker = work(settle=in_sound(lambda team: settled.append(team) or 1))
    for _ in range(2):
        before = len(settled)
        worker.wake()
        wait_until(lambda before=before: len(settled) > before, "the sound workspace to be settled")


def test_what_fails_after_a_settling_keeps_no_other_from_being_settled(work: Any) -> None:
    told: list[str] = []
    worker = work(settle=lambda _: 1, after_settling=in_sound(told.append))
    worker.wake()
    wait_until(lambda: told, "the sound workspace to be told")


def test_workspaces_whose_sending_fails_keep_no_other_from_being_sent_to(harness: Harness, work: Any) -> None:
    now, sent = harness.clock.now(), []
    for team in (*BROKEN, SOUND):
        with harness.bot.store.begin(team) as tx:
            tx.outbox.add([Delivery("one", DeliveryKind.ANNOUNCE, "C1", {"kind": "x"}, now, now)])
    failed: list[str] = []

    def deliver(team: str) -> bool:
        if team != SOUND:
            failed.append(team)
            raise RuntimeError("a damaged row")
        sent.append(team)
        return harness.bot.loop.deliver(WORKSPACE)

    work(deliver=deliver)
    wait_until(lambda: sent, "the sound workspace", patience=5)
    wait_until(lambda: len(failed) > len(BROKEN), "those that failed to be tried again")


def test_a_workspace_in_which_sending_failed_is_left_alone_for_a_moment(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, tried = harness.clock.now(), []
    with harness.bot.store.begin(SOUND) as tx:
        tx.outbox.add([Delivery("one", DeliveryKind.ANNOUNCE, "C1", {"kind": "x"}, now, now)])

    def fail(team: str) -> bool:
        tried.append(team)
        raise RuntimeError("a damaged row")

    at = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr("tierbot.use_cases.jobs.worker.time", SimpleNamespace(monotonic=lambda: at.seconds))
    worker = Worker(harness.bot.store, harness.clock, fail, lambda _: 0)
    for seconds, times in ((0, 1), (1.9, 1), (0.2, 2)):
        at.seconds += seconds
        worker._deliver()
        wait_until(lambda: not worker._calling, "the sending to end")
        assert len(tried) == times
    worker._callers["deliver"].shutdown()


def test_look_ups_that_hang_keep_no_workspace_from_being_settled(harness: Harness, work: Any) -> None:
    hangs, settled, looked_up = threading.Event(), [], []

    def look_up(team: str) -> int:
        looked_up.append(team)
        hangs.wait(30)
        return 0

    with harness.bot.store.begin(SOUND) as tx:
        now = harness.clock.now()
        tx.outbox.add([Delivery("one", DeliveryKind.ANNOUNCE, "C1", {"kind": "x"}, now, now)])
    sent = threading.Event()
    worker = work(deliver=lambda _: sent.set() or False, settle=lambda team: settled.append(team) or 0, look_up=look_up)
    try:
        for _ in range(2):
            worker.wake()
            count = len(settled)
            wait_until(lambda count=count: settled[count:].count(SOUND), "the sound workspace to be settled")
        assert sent.wait(30), "and from being sent to"
        assert len(looked_up) == len(set(looked_up)) > 1, "one look-up at a time in each"
    finally:
        hangs.set()


def test_votes_are_settled_as_soon_as_their_voters_are_known(work: Any) -> None:
    known, settled = [], []

    def look_up(team: str) -> int:
        known.append(team)
        return known.count(team) == 1

    work(settle=lambda team: settled.append(team) or 0, look_up=look_up)
    wait_until(lambda: settled.count(SOUND) >= 2, "it to be settled again without another vote")
