"""The worker's waits and reports, with a clock and events that do what a test says, and no threads."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.fakes import KeptFigures, ManualClock
from tierbot import logs
from tierbot.use_cases.jobs import worker as module
from tierbot.use_cases.jobs.worker import Worker


class Watch:
    """Monotonic time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Event:
    """An event whose waits take their time and are kept; `then` is called with each."""

    def __init__(self, watch: Watch, then: Callable[[float], object] = lambda _: None) -> None:
        self.watch, self.then, self.is_on = watch, then, False
        self.waits: list[float] = []

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        if not self.is_on:
            self.watch.now += timeout
        self.then(timeout)
        return self.is_on

    def is_set(self) -> bool:
        return self.is_on

    def set(self) -> None:
        self.is_on = True

    def clear(self) -> None:
        self.is_on = False


class Pool:
    """A thread pool that runs what it is given when told to."""

    def __init__(self) -> None:
        self.queued: list[tuple[Any, ...]] = []
        self.is_shut = False

    def submit(self, *work: Any) -> None:
        self.queued.append(work)

    def run(self) -> None:
        work, *arguments = self.queued.pop(0)
        work(*arguments)

    def shutdown(self, *, wait: bool) -> None:
        assert not wait
        self.is_shut = True


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(module, "time", watch)
    return watch


def make(watch: Watch, teams: tuple[str, ...] = ("T1", "T2"), **parts: Any) -> Any:
    store = SimpleNamespace(due_ids=lambda _: list(teams), running_ids=lambda: list(teams))
    parts = {"deliver": lambda _: False, "settle": lambda _: 0} | parts
    worker: Any = Worker(store, ManualClock(), **parts)  # type: ignore[arg-type]
    worker._stopping, worker._touched = Event(watch), Event(watch)
    worker._callers = {"deliver": Pool(), "look_up": Pool()}
    return worker


def beat(worker: Worker, at: float) -> None:
    worker._beats.update(dict.fromkeys(("tierbot-deliver", "tierbot-settle"), at))


def test_a_thread_is_stuck_after_two_minutes_without_a_beat(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = make(watch)
    assert worker.trouble() == "tierbot-deliver has not started"
    beat(worker, watch.now)
    monkeypatch.setattr(worker, "dead", lambda: None)
    watch.now += 120
    assert worker.trouble() is None
    watch.now += 1
    assert worker.trouble() == "tierbot-deliver has been stuck for 121 s"
    worker._beats["tierbot-deliver"] = watch.now
    assert worker.trouble() == "tierbot-settle has been stuck for 121 s"


@pytest.mark.parametrize(("work", "doing"), [("deliver", "sending to T1"), ("look_up", "looking up voters in T1")])
def test_a_call_is_stuck_after_two_minutes(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, work: str, doing: str
) -> None:
    worker = make(watch)
    monkeypatch.setattr(worker, "dead", lambda: None)
    worker._calling[work, "T1"] = watch.now
    for seconds, said in ((120, None), (1, f"{doing} has been stuck for 121 s")):
        watch.now += seconds
        beat(worker, watch.now)
        assert worker.trouble() == said


def test_a_thread_that_ended_is_dead_until_the_worker_stops(watch: Watch) -> None:
    worker = make(watch)
    assert worker.dead() is None, "neither has begun"
    worker._beats["tierbot-settle"] = watch.now
    assert worker.dead() == "tierbot-settle has ended"
    worker._beats["tierbot-deliver"] = watch.now
    assert worker.trouble() == "tierbot-deliver has ended"
    worker._stopping.set()
    assert worker.dead() is None


def test_a_workspace_is_called_once_at_a_time_and_again_when_that_has_ended(watch: Watch) -> None:
    sent: list[str] = []
    answers = iter([True, True, False, False, False])
    worker = make(watch, deliver=lambda team: sent.append(team) or next(answers))
    pool = worker._callers["deliver"]
    for _ in range(2):
        worker._deliver()
    assert worker._stopping.waits == [0.25, 0.25]
    assert [work[2] for work in pool.queued] == ["T1", "T2"]
    assert worker._calling == {("deliver", "T1"): 1000.0, ("deliver", "T2"): 1000.0}
    pool.run()
    assert sent == ["T1"] * 3, "as long as there is something"
    worker._deliver()
    assert [work[2] for work in pool.queued] == ["T2", "T1"]


def test_each_message_shows_that_sending_goes_on(watch: Watch) -> None:
    seen: list[float] = []

    def send(_: str) -> bool:
        seen.append(worker._calling["deliver", "T1"])
        watch.now += 100
        return len(seen) < 3

    worker = make(watch, ("T1",), deliver=send)
    worker._deliver()
    began = watch.now
    worker._callers["deliver"].run()
    assert seen == [1000.0, began + 100, began + 200]
    assert worker._calling == {}


def timing(meter: KeptFigures) -> list[tuple[str, float, bool]]:
    """Return a list to which everything that is timed is added: the work, the seconds, whether it failed."""
    taken: list[tuple[str, float, bool]] = []
    meter.worked = lambda work, seconds, *, failed: taken.append((work, seconds, failed))  # type: ignore[method-assign]
    return taken


def test_where_a_call_failed_no_other_begins_for_two_seconds(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str) -> bool:
        raise RuntimeError("a damaged row")

    meter = KeptFigures()
    taken = timing(meter)
    worker = make(watch, ("T1",), deliver=fail, meter=meter)
    pool = worker._callers["deliver"]
    worker._deliver()
    pool.run()
    failed_at = watch.now
    assert taken == [("deliver", 0.0, True)]
    assert caplog.messages == ["deliver failed; retrying in 2 s."]
    for seconds, queued in ((0.0, 0), (1.9, 0), (2.0, 1)):
        watch.now = failed_at + seconds
        worker._deliver()
        assert len(pool.queued) == queued


def test_once_it_stops_it_calls_nobody(watch: Watch) -> None:
    called: list[str] = []
    worker = make(watch, ("T1",), deliver=lambda team: called.append(team) or True, look_up=called.append)
    worker._deliver()
    worker._settle()
    worker._stopping.set()
    for pool in worker._callers.values():
        pool.run()
    assert called == []
    worker._deliver()
    worker._settle()
    assert [pool.queued for pool in worker._callers.values()] == [[], []]


def test_people_who_became_known_have_their_votes_settled_at_once(watch: Watch) -> None:
    known = iter([0, 2])
    worker = make(watch, ("T1",), look_up=lambda _: next(known))
    for found in (False, True):
        worker._settle()
        worker._callers["look_up"].run()
        assert worker._touched.is_set() == found


def test_settling_waits_two_seconds_for_a_vote_and_then_for_a_moment_without_one(watch: Watch) -> None:
    settled: list[str] = []
    worker = make(watch, settle=lambda team: settled.append(team) or 0)
    worker._settle()
    assert worker._touched.waits == [2.0]
    assert worker._stopping.waits == [0.0, 0.05]
    assert settled == ["T1", "T2"]
    assert worker._beats == {"MainThread": watch.now}
    assert [work[2] for work in worker._callers["look_up"].queued] == ["T1", "T2"]


def test_votes_that_keep_coming_put_settling_off_by_half_a_second(watch: Watch) -> None:
    worker = make(watch)
    worker._stopping.then = lambda _: worker._touched.set()
    began = watch.now
    worker._wait_for_quiet()
    assert 0.5 <= watch.now - began + 1e-9 < 0.56
    assert not worker._touched.is_set(), "all that came is settled now"
    worker._stopping.then = lambda _: None
    began = watch.now
    worker._touched.set()
    worker._wait_for_quiet()
    assert watch.now - began == pytest.approx(0.05)
    waits = len(worker._stopping.waits)
    worker._stopping.set()
    worker._wait_for_quiet()
    assert len(worker._stopping.waits) == waits, "who stops waits no more"


@pytest.mark.parametrize(("took", "counts"), [(0.5, 0.5), (9.0, 2.0)])
def test_settling_takes_a_quarter_of_the_time_at_most(watch: Watch, took: float, counts: float) -> None:
    def settle(_: str) -> int:
        watch.now += took
        return 0

    worker = make(watch, ("T1",), settle=settle)
    worker._settle()
    ended = watch.now
    worker._touched.set()
    watch.now += 0.25
    worker._settle()
    assert worker._stopping.waits[2] == pytest.approx(3 * counts - 0.25)
    assert worker._settled_at > ended


def test_what_settled_is_timed_and_told_and_nothing_else(watch: Watch) -> None:
    meter, told = KeptFigures(), []
    taken: list[float] = []
    meter.worked = lambda work, seconds, *, failed: taken.append((work, seconds, failed))  # type: ignore[method-assign]

    def settle(team: str) -> int:
        watch.now += 0.5
        return team == "T2"

    worker = make(watch, settle=settle, after_settling=told.append, meter=meter)
    worker._settle()
    assert (told, taken) == (["T2"], [("settle", 0.5, False)])


def test_what_is_logged_while_settling_names_the_workspace_and_the_work(watch: Watch) -> None:
    ids: list[dict[str, str]] = []
    worker = make(watch, ("T1",), settle=lambda _: ids.append(dict(logs._bound.get())) or 0)
    worker._settle()
    assert ids == [{"workspace": "T1", "job": "settle"}]


def test_where_settling_failed_it_rests_for_two_seconds(watch: Watch) -> None:
    tried: list[str] = []

    def settle(team: str) -> int:
        tried.append(team)
        raise RuntimeError("a damaged row")

    meter = KeptFigures()
    worker = make(watch, ("T1",), settle=settle, meter=meter)
    worker._touched.set()
    worker._settle()
    worker._touched.set()
    worker._settle()
    assert (tried, meter.work) == (["T1"], [("settle", True)])
    watch.now += 2
    worker._settle()
    assert tried == ["T1", "T1"]


def test_a_thread_whose_work_fails_says_so_and_goes_on_after_a_breath(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    meter = KeptFigures()
    taken = timing(meter)
    worker = make(watch, meter=meter)
    turns: list[float] = []

    def _work() -> None:
        turns.append(watch.now)
        if len(turns) == 3:
            worker._stopping.set()
            return
        raise RuntimeError("no database")

    worker._keep(_work)
    assert turns == [1000.0, 1002.0, 1004.0]
    assert taken == [("work", 0.0, True)] * 2
    assert caplog.messages == ["work failed; retrying in 2 s."] * 2
    assert worker._beats == {"MainThread": 1004.0}


def test_stopping_wakes_whoever_waits_and_says_whether_all_ended_in_time(watch: Watch) -> None:
    worker = make(watch, ("T1",))
    joined: list[float] = []

    def join(timeout: float) -> None:
        joined.append(timeout)
        watch.now += 3

    alive = [False, False]
    worker._threads = [
        SimpleNamespace(name=name, join=join, is_alive=lambda place=place: alive[place])
        for place, name in enumerate(("tierbot-deliver", "tierbot-settle"))
    ]
    assert worker.stop(4.0)
    assert (worker._stopping.is_set(), worker._touched.is_set(), joined) == (True, True, [4.0, 1.0])
    alive[1] = True
    assert not worker.stop(4.0)
    alive[1] = False
    assert all(pool.is_shut for pool in worker._callers.values())
    worker._calling["deliver", "T1"] = watch.now
    assert not worker.stop(0.0)


def test_a_stop_ends_with_the_last_call(watch: Watch) -> None:
    worker, ended = make(watch, ("T1",)), list[bool]()
    worker._threads = []
    worker._deliver()
    stopping = threading.Thread(target=lambda: ended.append(worker.stop(60)), daemon=True)
    stopping.start()
    while not worker._called._waiters:
        pass
    worker._callers["deliver"].run()
    stopping.join(20)
    assert ended == [True]


def test_a_stop_whose_time_is_over_waits_no_longer_for_anything(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, waits = make(watch), list[float]()

    def wait(timeout: float) -> None:
        waits.append(timeout)
        watch.now += 3

    worker._threads = [SimpleNamespace(join=wait, is_alive=lambda: True) for _ in range(2)]
    monkeypatch.setattr(worker._called, "wait_for", lambda _, timeout: wait(timeout))
    assert not worker.stop(2.0)
    assert waits == [2.0, 0.0, 0.0]


def test_a_workers_threads_have_names_that_operators_know(watch: Watch) -> None:
    worker = make(watch)
    assert [(thread.name, thread.daemon) for thread in worker._threads] == [
        ("tierbot-deliver", True),
        ("tierbot-settle", True),
    ]
