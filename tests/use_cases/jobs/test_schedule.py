"""The schedule: what is due is done once, by one process, and a restart neither forgets nor repeats."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness, harness_settings
from tests.support.fakes import KeptFigures
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.asking.push_schedule import next_push
from tierbot.use_cases.jobs.schedule import JOBS, Scheduler, Worker, push, retrain, retrain_if_enough
from tierbot.use_cases.ports import Due


def agenda(harness: Harness, job: str) -> Due:
    with harness.bot.store.read(WORKSPACE) as tx:
        due = tx.agenda.get(job)
    assert due is not None
    return due


def posts(harness: Harness) -> int:
    with harness.bot.store.read(WORKSPACE) as tx:
        return len(tx.posts.in_round(1))


def test_a_scheduled_push_posts_the_set_number_and_is_due_again_in_open_hours(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, push_count=3, push_every_hours=8)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    push(harness.bot.loop, WORKSPACE, agenda(harness, "push"))
    assert posts(harness) == 3
    # Monday 12:00 and eight hours on is quiet: Tuesday 09:00
    assert agenda(harness, "push").due_at == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_while_paused_nothing_is_posted_but_an_admins_push_still_is(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    harness.bot.game.pause(WORKSPACE, "UADMIN")
    push(harness.bot.loop, WORKSPACE, agenda(harness, "push"))
    assert posts(harness) == 0
    harness.bot.game.request(WORKSPACE, "push", "UADMIN", count=2)
    push(harness.bot.loop, WORKSPACE, agenda(harness, "push"))
    assert posts(harness) == 2


def test_a_scheduled_push_is_spread_and_an_admins_comes_at_once(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, push_count=4, push_spread_minutes=40)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    push(harness.bot.loop, WORKSPACE, agenda(harness, "push"))
    harness.deliver()
    assert len(harness.chat.posts) == 1
    harness.clock.advance(minutes=31)
    harness.deliver()
    assert len(harness.chat.posts) == 4


def test_two_schedulers_on_one_database_do_a_job_once_and_the_second_takes_over_when_the_first_dies(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setitem(JOBS, "reconcile", lambda *_: done.append("reconcile"))
    first, second = Scheduler(harness.bot.loop), Scheduler(harness.bot.loop)
    started: list[tuple[Scheduler, str]] = []
    for scheduler in (first, second):
        monkeypatch.setattr(
            scheduler._ticker,
            "add_job",
            lambda *_, args, scheduler=scheduler, **__: started.append((scheduler, args[1].job)),
        )
    first.tick()
    second.tick()
    assert {scheduler for scheduler, _ in started} == {first}
    first.tick()
    assert len(started) == len(set(started)), "a job that runs is not started again"
    harness.clock.advance(minutes=1)
    second.tick()
    assert {scheduler for scheduler, _ in started} == {first, second}


def test_a_job_that_fails_is_put_off_and_tried_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TierbotError("no room")

    monkeypatch.setitem(JOBS, "reconcile", fail)
    due = agenda(harness, "reconcile")
    Scheduler(harness.bot.loop).run(WORKSPACE, due)
    assert agenda(harness, "reconcile").due_at == harness.clock.now() + timedelta(minutes=5)


def test_a_job_is_timed_when_it_is_done_and_counted_when_it_fails(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = KeptFigures()
    scheduler = Scheduler(harness.bot.loop, meter)
    scheduler.run(WORKSPACE, agenda(harness, "reconcile"))
    monkeypatch.setitem(JOBS, "reconcile", lambda *_: 1 / 0)
    Scheduler(harness.bot.loop, meter).run(WORKSPACE, agenda(harness, "reconcile"))
    assert meter.work == [("reconcile", False), ("reconcile", True)]


def test_a_worker_at_work_is_not_in_trouble_and_times_what_it_settles(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    meter, settled = KeptFigures(), threading.Event()
    worker = Worker(harness.bot.loop, lambda _: settled.set(), meter)
    assert worker.trouble() == "tierbot-deliver has not begun"
    assert worker.dead() is None
    worker.start()
    for user in ("U1", "U2"):
        harness.react(user, ts, harness.emoji(ts))
    worker.wake()
    assert settled.wait(30)
    assert worker.trouble() is None
    assert worker.stop()
    assert ("settle", False) in meter.work


def test_enough_new_verdicts_make_the_retraining_due(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, retrain_after=2)
    for ts in harness.posts(2):
        harness.react("U1", ts, "pizza")
        harness.react("U2", ts, "pizza")
    retrain_if_enough(harness.bot.loop, WORKSPACE)
    assert agenda(harness, "retrain").due_at > harness.clock.now()
    harness.bot.loop.settle(WORKSPACE)
    retrain_if_enough(harness.bot.loop, WORKSPACE)
    assert agenda(harness, "retrain").due_at == harness.clock.now()
    retrain(harness.bot.loop, WORKSPACE, agenda(harness, "retrain"))
    retrain_if_enough(harness.bot.loop, WORKSPACE)
    assert agenda(harness, "retrain").due_at > harness.clock.now(), "these verdicts have been learned from"


def test_a_restart_forgets_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    push(harness.bot.loop, WORKSPACE, agenda(harness, "push"))
    before = {job: agenda(harness, job) for job in ("push", "close_round", "retrain")}
    harness.bot.close()
    again = build_harness(tmp_path)
    assert {job: agenda(again, job) for job in before} == before
    assert posts(again) == 5
    again.deliver()
    assert len(again.chat.posts) == 1  # the rest of the push is spread over the next half hour


def test_the_next_push_keeps_the_teams_own_time(tmp_path: Path) -> None:
    settings = harness_settings(tmp_path, timezone="Europe/Berlin", quiet_hours="18:00-09:00")
    friday_evening = datetime(2026, 3, 27, 16, 30, tzinfo=UTC)  # the clocks change on Sunday
    assert next_push(settings, friday_evening) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def test_a_process_beside_another_says_so_once_but_not_while_a_dead_ones_lease_runs_out(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> int:
        return caplog.text.count("Another tierbot process is at work on this database")

    first, second = Scheduler(harness.bot.loop), Scheduler(harness.bot.loop)
    first._jobs, second._jobs = {}, {}
    for _ in range(4):  # the first one lives
        first.tick()
        second.tick()
        harness.clock.advance(seconds=10)
    assert said() == 1
    for _ in range(3):  # now it is gone, and the second one keeps the schedule
        second.tick()
        harness.clock.advance(seconds=10)
    assert second.leads == {WORKSPACE}
    third = Scheduler(harness.bot.loop)
    third._jobs = {}
    for _ in range(3):  # the second one has died
        third.tick()
        harness.clock.advance(seconds=6)
    assert said() == 1
