"""Several processes on one database: they start together, work together, and one that dies takes nothing along."""

import subprocess
import sys
from datetime import timedelta

from tests.support.rows import NOON, TEAM
from tierbot.adapters.store import open_store

WORK = """
import sys
from datetime import UTC, datetime
from tierbot.domain.nouns import ReactionEvent
from tierbot.adapters.store import open_store
from tierbot.use_cases.ports import Job

url, name = sys.argv[1:]
now = datetime(2026, 3, 2, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
store = open_store(url)
for number in range(25):
    with store.begin("T1") as tx:
        job = tx.agenda.get("count")
        tx.agenda.put(Job("count", "count", now, {"n": 1 + (job.payload["n"] if job else 0)}))
        tx.ledger.append(ReactionEvent(f"shared{number}", "C1", "1.0", "U1", "pizza", True, now, now))
        tx.ledger.append(ReactionEvent(f"{name}-{number}", "C1", "2.0", "U1", "pizza", True, now, now))
"""

DIE = """
import sys
from datetime import UTC, datetime
from tierbot.domain.nouns import ReactionEvent
from tierbot.adapters.store import open_store

now = datetime(2026, 3, 2, tzinfo=UTC)
with open_store(sys.argv[1]).begin("T1") as tx:
    tx.ledger.append(ReactionEvent("never", "C1", "1.0", "U1", "pizza", True, now, now))
    print("wrote", flush=True)
    sys.stdin.readline()
"""

LEAD = """
import sys
from datetime import UTC, datetime, timedelta
from tierbot.adapters.store import open_store

now = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
with open_store(sys.argv[1]).begin("T1") as tx:
    assert tx.leases.take("scheduler", "holder", now + timedelta(seconds=15), now)
print("leads", flush=True)
sys.stdin.readline()
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program and wait for its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_processes_that_open_a_blank_database_at_once_share_the_work(blank_url: str) -> None:
    processes = [start(WORK, blank_url, f"process{number}") for number in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = open_store(blank_url)
    with store.read(TEAM) as tx:
        job = tx.agenda.get("count")
        assert job is not None
        assert job.payload["n"] == 75
        assert len(tx.ledger.events("C1", "1.0")) == 25
        assert len(tx.ledger.events("C1", "2.0")) == 75
    store.close()


def test_the_scheduler_that_is_killed_leaves_its_lease_to_one_heir_once_it_has_run_out(url: str) -> None:
    holder = start(LEAD, url)
    stores = [open_store(url) for _ in range(4)]

    def takers(seconds: float) -> list[str]:
        now = NOON + timedelta(seconds=seconds)
        found = []
        for number, store in enumerate(stores):
            with store.begin(TEAM) as tx:
                if tx.leases.take("scheduler", f"heir {number}", now + timedelta(seconds=15), now):
                    found.append(f"heir {number}")
        return found

    assert takers(1) == [], "the holder lives"
    holder.kill()  # SIGKILL: it gives nothing back
    holder.communicate(timeout=60)
    assert takers(14.9) == []
    assert takers(15) == ["heir 0"]
    assert takers(29) == ["heir 0"], "it prolongs its own, and nobody else takes it"
    for store in stores:
        store.close()


def test_a_process_killed_in_mid_transaction_leaves_neither_rows_nor_locks(url: str) -> None:
    process = start(DIE, url)
    process.kill()
    process.communicate(timeout=60)
    store = open_store(url)
    with store.begin(TEAM) as tx:
        assert tx.ledger.untallied(9) == []
        assert tx.leases.take("scheduler", "heir", NOON.replace(year=2030), NOON)
    store.close()
