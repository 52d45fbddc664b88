"""SQLite's write-ahead log stays short while one read begins before another ends, and nobody waits long for that."""

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.rows import TEAM, article
from tierbot.adapters.store import SqlStore, open_store, write_ahead_log


@pytest.fixture
def log(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(write_ahead_log, "LONG", 200_000)
    monkeypatch.setattr(write_ahead_log, "_LOOK_EVERY", 10)
    monkeypatch.setattr(write_ahead_log, "_PAUSE", 0.0)
    path = sqlite_url.removeprefix("sqlite:///")
    return Path(f"{path}-wal")


def write(store: SqlStore, number: int) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article(f"a{number}", text="words " * 2_000)])


def read_on(store: SqlStore, stop: threading.Event) -> None:
    """Read again and again; each read begins before the one before it ends."""
    reading = ExitStack()
    reading.enter_context(store.read(TEAM)).articles.get(["a0"])
    while not stop.is_set():
        following = ExitStack()
        following.enter_context(store.read(TEAM)).articles.get(["a0"])
        reading.close()
        reading = following
    reading.close()


def test_it_is_emptied_although_there_is_always_a_reader(sqlite_url: str, log: Path) -> None:
    store, stop, longest = open_store(sqlite_url), threading.Event(), 0
    write(store, 0)
    reader = threading.Thread(target=read_on, args=(store, stop))
    reader.start()
    try:
        for number in range(1, 300):
            write(store, number)
            longest = max(longest, log.stat().st_size)
    finally:
        stop.set()
        reader.join()
    assert longest < 2_000_000, "of 11 MB that were written"
    with store.read(TEAM) as tx:
        assert len(tx.articles.get([f"a{number}" for number in range(300)])) == 300
    store.close()


def test_a_long_read_stops_no_writer_and_sees_what_it_saw(sqlite_url: str, log: Path) -> None:
    store = open_store(sqlite_url)
    write(store, 0)
    with store.read(TEAM) as tx:
        assert len(tx.articles.get(["a0", "a1"])) == 1
        for number in range(1, 60):
            write(store, number)
        assert len(tx.articles.get(["a0", "a1"])) == 1
        assert log.stat().st_size > 200_000
    for number in range(60, 80):
        write(store, number)
    assert log.stat().st_size < 400_000
    store.close()
