"""How long a backup takes while the bot writes, and that restoring it loses nothing that was committed before.

pytest tests/benchmarks/test_backup.py -s
"""

import multiprocessing
import time
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.support.rows import TEAM, event
from tierbot.adapters.store import SqlStore, open_store
from tierbot.adapters.store.backup import back_up, restore

EVENTS = 200_000  # in the database before
TURNS = 5


def _write(url: str, first: int, committed: "Synchronized[int]", stop: Event) -> None:
    store = open_store(url)
    number = first
    while not stop.is_set():
        with store.begin(TEAM) as tx:
            tx.ledger.append(event(f"Ev{number}", ts=f"{number}.000001"))
        number += 1
        committed.value = number  # a reader may believe it: the transaction has ended
    store.close()


def _fill(store: SqlStore) -> None:
    for start in range(0, EVENTS, 5000):
        with store.begin(TEAM) as tx:
            for number in range(start, start + 5000):
                tx.ledger.append(event(f"Ev{number}", ts=f"{number}.000001"))


def _count(store: SqlStore) -> int:
    with store._database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM reaction_event").scalar_one())


def test_a_backup_under_load_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    store = open_store(url)
    _fill(store)
    store.close()
    context = multiprocessing.get_context("spawn")
    committed, stop = context.Value("q", 0), context.Event()
    writer = context.Process(target=_write, args=(url, EVENTS, committed, stop))
    writer.start()
    while committed.value < EVENTS + 100:
        time.sleep(0.01)
    taken = []
    for turn in range(TURNS):
        idle_from, idle_since = committed.value, time.monotonic()
        time.sleep(1)
        idle = (committed.value - idle_from) / (time.monotonic() - idle_since)
        before, began = committed.value, time.monotonic()
        made = back_up(url, tmp_path / f"{turn}.db")
        seconds = time.monotonic() - began
        busy = (committed.value - before) / seconds
        taken.append((turn, before, committed.value))
        print(
            f"backup of {made.size / 1e6:.0f} MB in {seconds:.2f} s; commits a second: {idle:.0f} idle, {busy:.0f} meanwhile"
        )
    stop.set()
    writer.join(30)
    for turn, before, after in taken:
        began = time.monotonic()
        restore(url, tmp_path / f"{turn}.db", now=datetime.now(UTC))
        seconds = time.monotonic() - began
        store = open_store(url)
        found = _count(store)
        store.close()
        print(
            f"restored in {seconds:.2f} s: {found} events; {before} were committed before the backup, {after} at its end"
        )
        assert before <= found <= after + 1
