"""The queues of writers on SQLite, in a process and between processes: in order, and nobody is let in twice."""

import fcntl
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import WORKSPACE
from tierbot.adapters.store import open_store, turns
from tierbot.adapters.store.turns import Turns, Turnstile


def test_who_gives_the_turn_back_and_asks_again_comes_after_who_waits() -> None:
    turns, order = Turns(), list[str]()
    assert turns.acquire(1)

    def wait() -> None:
        assert turns.acquire(20)
        order.append("who waited")
        turns.release()

    other = threading.Thread(target=wait)
    other.start()
    while not turns._waiting:
        time.sleep(0)
    turns.release()
    assert turns.acquire(20)
    order.append("who came back")
    turns.release()
    other.join()
    assert order == ["who waited", "who came back"]


def test_one_is_in_at_a_time_and_everyone_gets_in() -> None:
    turns, inside, most = Turns(), [0], [0]

    def work() -> None:
        for _ in range(200):
            assert turns.acquire(20)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            turns.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert turns.acquire(0)


def test_a_turn_that_did_not_come_in_time_is_nobodys() -> None:
    turns = Turns()
    assert turns.acquire(0)
    assert not turns.acquire(0.01)
    turns.release()
    assert turns.acquire(0)


def test_a_turn_that_comes_just_after_the_wait_for_it_ended_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            queue.release()
            return super().wait(0) and False

    monkeypatch.setattr(turns, "threading", SimpleNamespace(Lock=threading.Lock, Event=Late))
    queue = Turns()
    assert queue.acquire(0)
    assert queue.acquire(0), "it was passed on meanwhile"
    queue.release()
    assert queue.acquire(0)


def occupied(file: Path) -> bool:
    """Return whether somebody is in the turnstile."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_a_process_that_wrote_and_wants_to_write_again_comes_after_one_that_waits(tmp_path: Path) -> None:
    worker, web = (open_store(f"sqlite:///{tmp_path}/bot.db") for _ in range(2))  # as two processes would open it
    order = list[str]()

    def record() -> None:
        with web.begin(WORKSPACE):
            order.append("a reaction")

    for _ in range(20):  # without the turnstile, the worker came first about every time
        order.clear()
        waiting = threading.Thread(target=record)
        with worker.begin(WORKSPACE):
            waiting.start()
            while not occupied(tmp_path / "bot.db-turn"):
                pass
        with worker.begin(WORKSPACE):
            order.append("the next tally")
        waiting.join()
        assert order == ["a reaction", "the next tally"]
    worker.close()
    web.close()


def test_a_process_that_is_stopped_in_the_turnstile_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", 0.02)
    stopped, other = Turnstile(tmp_path / "bot.db"), Turnstile(tmp_path / "bot.db")
    with stopped:
        with other:
            assert occupied(tmp_path / "bot.db-turn")
        assert occupied(tmp_path / "bot.db-turn"), "who passed by has nothing to give back"
    assert not occupied(tmp_path / "bot.db-turn")
    assert (tmp_path / "bot.db-turn").stat().st_mode & 0o777 == 0o600


def test_a_stopped_process_holds_up_each_write_of_others_by_a_quarter_of_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept = [1000.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += 0.125

    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    with Turnstile(tmp_path / "bot.db"), Turnstile(tmp_path / "bot.db"):
        assert slept == [0.002, 0.002]


def test_a_closed_turnstile_leaves_no_file_open_and_can_be_used_again(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "bot.db")
    turnstile.close()
    with turnstile:
        opened = turnstile._file
    assert opened is not None
    os.fstat(opened)
    turnstile.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened)
    with turnstile:
        assert occupied(tmp_path / "bot.db-turn")
    turnstile.close()


def test_a_folder_that_cannot_be_written_is_left_to_sqlite_to_name(tmp_path: Path) -> None:
    with Turnstile(tmp_path / "missing" / "bot.db"):
        pass
