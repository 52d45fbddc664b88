"""Health and readiness: each thing that can be wrong is made wrong, and said."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.rows import delivery
from tierbot.app.health import Health
from tierbot.use_cases.jobs import scheduler, worker
from tierbot.use_cases.jobs.scheduler import JobKind
from tierbot.use_cases.ports import SCHEDULER, SCHEDULER_LEASE, ClosedChannel, DeliveryKind


class Runner:
    """A Socket Mode connection as Health sees it."""

    def __init__(self) -> None:
        self.connected = True
        self.ended: str | None = None

    def dead(self) -> str | None:
        return self.ended


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a bot at work, ready: ticks and turns of its threads are told by hand, not by time."""
    harness = build_harness(tmp_path)
    now = SimpleNamespace(seconds=1000.0)
    for module in (scheduler, worker):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    monkeypatch.setattr(harness.bot.scheduler, "_kinds", {})
    harness.bot.scheduler.renew()
    harness.bot.scheduler.tick()
    for thread in harness.bot.worker._threads:
        harness.bot.worker._beats[thread.name] = now.seconds
        monkeypatch.setattr(thread, "is_alive", lambda: True)
    runner = Runner()
    health = Health(harness.bot, works=True, runner=runner)  # type: ignore[arg-type]
    assert (health.dead(), health.unready()) == (None, None)
    return SimpleNamespace(harness=harness, bot=harness.bot, runner=runner, health=health, now=now)


def test_a_thread_that_ended_is_death(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    thread = running.bot.worker._threads[1]
    monkeypatch.setattr(thread, "is_alive", lambda: False)
    assert running.health.dead() == f"{thread.name} has ended" == running.health.unready()


def test_a_watchdog_that_ended_is_death(running: Any) -> None:
    running.runner.ended = "slack-watchdog has ended"
    assert running.health.dead() == "slack-watchdog has ended"


def test_a_schedule_that_stands_still_is_not_ready_and_after_long_dead(running: Any) -> None:
    running.now.seconds += 30
    assert running.health.dead() is None
    assert running.health.unready() == "the schedule has not ticked for 30 s"
    running.now.seconds += 100
    assert running.health.dead() == "the schedule has not ticked for 130 s"


def test_a_thread_that_is_stuck_is_not_ready(running: Any) -> None:
    running.now.seconds += 130
    running.bot.scheduler.tick()
    assert running.health.dead() is None, "a slow network is not mended by a restart"
    assert running.health.unready() == "tierbot-deliver has been stuck for 130 s"


def test_a_bot_that_has_not_begun_is_alive_and_not_ready(harness: Harness) -> None:
    health = Health(harness.bot, works=True)
    assert health.dead() is None
    assert health.unready() == "tierbot-deliver has not started"


def test_without_a_connection_to_slack_it_is_not_ready(running: Any) -> None:
    running.runner.connected = False
    assert running.health.dead() is None
    assert running.health.unready() == "not connected to Slack"


def test_when_nobody_keeps_the_schedule_it_is_not_ready_and_a_follower_is(running: Any) -> None:
    running.harness.clock.advance(minutes=1)
    assert running.health.unready() == "no process runs the schedule"
    with running.bot.store.begin(WORKSPACE) as tx:
        now = running.harness.clock.now()
        assert tx.leases.take(SCHEDULER, "another process", now + SCHEDULER_LEASE, now)
    assert running.health.unready() is None


def test_a_database_that_cannot_be_read_is_not_ready(running: Any) -> None:
    running.bot.close()
    file = Path(running.bot.settings.database_url.removeprefix("sqlite:///"))
    file.write_bytes(b"not a database at all" * 500)
    assert running.health.dead() is None
    assert running.health.unready() == "the database cannot be reached"


def test_a_database_of_another_schema_is_not_ready(running: Any) -> None:
    file = running.bot.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE tierbot_schema SET version_num = '9999'")
    other.close()
    assert "schema is 9999" in str(running.health.unready())


def test_a_full_disk_is_not_ready_as_soon_as_the_last_write_is_a_few_seconds_old(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(connection: object) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr("tierbot.adapters.store.store.write_revision_again", full)
    assert running.health.unready() is None, "a write has just succeeded"
    running.bot.store._database.wrote_at -= 60
    assert running.health.unready() == "the disk is full"
    assert running.health.dead() is None, "a restart doesn't help"


def test_a_job_that_hangs_is_not_ready(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.bot.scheduler, "_kinds", {"poll": JobKind(lambda *_: None)})
    running.bot.scheduler._running["T1", "poll"] = "poll", running.now.seconds
    running.now.seconds += 14 * 60
    running.bot.scheduler.tick()
    for thread in running.bot.worker._threads:
        running.bot.worker._beats[thread.name] = running.now.seconds
    assert running.health.unready() is None
    running.now.seconds += 70
    running.bot.scheduler.tick()
    assert running.health.unready() == "poll in T1 has been running for 15 min"


def test_an_outbox_that_stands_still_is_not_ready(running: Any) -> None:
    harness = running.harness
    harness.posts(1)
    with running.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("late", due_at=harness.clock.now())])

    def unready_after(**passed: float) -> str | None:
        harness.clock.advance(**passed)
        running.bot.scheduler.renew()
        return running.health.unready()

    assert unready_after(minutes=4) is None
    with running.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.hold(DeliveryKind.ANNOUNCE, harness.clock.now() + timedelta(minutes=3))
    assert unready_after(minutes=2) is None, "Slack's pace holds it back"
    assert unready_after(minutes=2) == "nothing was sent to Slack for 5 minutes"
    with running.bot.store.begin(WORKSPACE) as tx:
        tx.channels.close(
            ClosedChannel("C1", "is_archived", harness.clock.now(), harness.clock.now() + timedelta(hours=1))
        )
    assert unready_after() is None, "it waits for the channel, which admins know"
    with running.bot.store.begin(WORKSPACE) as tx:
        tx.channels.open("C1")
    assert unready_after() is not None
    harness.deliver()
    assert unready_after() is None


def test_an_outbox_that_slack_does_not_answer_for_minutes_is_not_ready(running: Any) -> None:
    harness = running.harness
    with running.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add([delivery("unanswered", due_at=harness.clock.now())])
    for attempt in range(6):
        now = harness.clock.now()
        with running.bot.store.begin(WORKSPACE) as tx:
            (claimed,) = tx.outbox.claim(now, now + timedelta(minutes=1), limit=1)
            due = now + timedelta(minutes=attempt)
            assert tx.outbox.retry(claimed, due, "no answer", failures=claimed.failures + 1)
        running.bot.scheduler.renew()
        said = running.health.unready()
        assert said == (None if attempt < 3 else "nothing was sent to Slack for 5 minutes")
        harness.clock.advance(minutes=attempt)


def test_without_a_model_that_can_be_used_it_is_not_ready(running: Any) -> None:
    running.bot.registry._in_service.clear()
    file = running.bot.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE model_weights SET weights = x'00'")
    other.close()
    assert running.health.unready() == "no usable model"


def test_a_process_that_stops_is_not_ready(harness: Harness) -> None:
    stopping = threading.Event()
    health = Health(harness.bot, works=False, stopping=stopping.is_set)
    assert health.unready() is None, "the web process has no schedule of its own"
    stopping.set()
    assert (health.dead(), health.unready()) == (None, "stopping")
