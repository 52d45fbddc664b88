"""The queue of a process's writers on SQLite: in order, and nobody is let in twice."""

import threading
import time

from tierbot.adapters.store.engine import Turns


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
