"""What the jobs do, and when they are due again: pushes, closings, retrainings."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness, harness_settings
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.asking import ask
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.asking.push_schedule import next_push
from tierbot.use_cases.jobs.kinds import retrain_if_enough
from tierbot.use_cases.jobs.scheduler import FIRST_RETRY
from tierbot.use_cases.ports import Job
from tierbot.use_cases.voting.settlement import Settlement


def posts(harness: Harness, number: int = 1) -> int:
    with harness.bot.store.read(WORKSPACE) as tx:
        return len(tx.posts.in_round(number))


def fails_at(harness: Harness, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the queueing of one post fail: the `number`th from now on."""
    queue, queued = ask._queue_post, []

    def fail(*arguments):
        queued.append(1)
        if len(queued) == number:
            raise TierbotError("no room")
        return queue(*arguments)

    monkeypatch.setattr(ask, "_queue_post", fail)


# --- pushes -----------------------------------------------------------------------------------------


def test_a_scheduled_push_posts_the_set_number_and_is_due_again_in_open_hours(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, push_count=3, push_every_hours=8)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    harness.do("push")
    assert posts(harness) == 3
    # Monday 12:00 and eight hours on is quiet: Tuesday 09:00
    assert harness.job("push").due_at == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_every_push_that_was_asked_for_is_done(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(40))
    scheduled = harness.job("push")
    for trigger, count in (("a", 20), ("b", 5), ("b", 5)):
        harness.bot.game.request(WORKSPACE, "push", "UADMIN", trigger, count=count)
    harness.bot.scheduler.renew()
    for trigger in harness.jobs("push"):
        if not trigger.recurs:
            harness.bot.scheduler.run(WORKSPACE, trigger.id)
    assert posts(harness) == 25
    assert harness.jobs("push") == [scheduled], "the schedule stands"


def test_a_push_asked_for_while_another_runs_is_done_too(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(40))
    game, queue = harness.bot.game, Ask._queue

    def ask_while_somebody_types(*arguments):
        monkeypatch.setattr(Ask, "_queue", queue)
        game.request(WORKSPACE, "push", "UADMIN", "second", count=5)
        return queue(*arguments)

    game.request(WORKSPACE, "push", "UADMIN", "first", count=20)
    monkeypatch.setattr(Ask, "_queue", ask_while_somebody_types)
    harness.do_requests("push")
    harness.do_requests("push")
    assert posts(harness) == 25


def test_a_push_that_fails_after_some_posts_goes_on_with_the_others(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(90))
    harness.bot.game.request(WORKSPACE, "push", "UADMIN", count=60)
    fails_at(harness, monkeypatch, 40)
    harness.do_requests("push")
    (job,) = (one for one in harness.jobs("push") if not one.recurs)
    assert posts(harness) == 25, "a transaction takes as many"
    assert (job.payload, job.attempts, job.error) == ({"count": 35}, 1, "TierbotError: no room")
    assert job.due_at == harness.clock.now() + FIRST_RETRY
    harness.clock.advance(minutes=5)
    harness.do_requests("push")
    assert posts(harness) == 60
    assert all(one.recurs for one in harness.jobs("push"))


def test_a_scheduled_push_that_fails_goes_on_too_and_the_next_is_whole_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = build_harness(tmp_path, push_count=30)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(90))
    fails_at(harness, monkeypatch, 28)
    harness.do("push")
    assert harness.job("push").payload == {"count": 5}
    harness.do("push")
    assert (posts(harness), harness.job("push").payload) == (30, {})
    harness.do("push")
    assert posts(harness) == 60


def test_a_push_that_died_between_its_last_post_and_its_end_posts_nothing_more(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(20))
    harness.bot.game.request(WORKSPACE, "push", "UADMIN", count=5)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(harness.bot.scheduler, "_done", die)
        with pytest.raises(KeyboardInterrupt):
            harness.do_requests("push")
    assert posts(harness) == 5
    harness.do_requests("push")
    assert posts(harness) == 5
    assert all(one.recurs for one in harness.jobs("push"))


def test_while_paused_nothing_is_posted_or_encoded_but_an_admins_push_still_is(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    harness.bot.game.pause(WORKSPACE, "UADMIN")
    encode, encoded = harness.bot.encoder.encode, []
    monkeypatch.setattr(harness.bot.encoder, "encode", lambda texts: encoded.append(1) or encode(texts))
    harness.do("push")
    assert (posts(harness), encoded) == (0, [])
    harness.bot.game.request(WORKSPACE, "push", "UADMIN", count=2)
    harness.do_requests("push")
    assert posts(harness) == 2


def test_a_scheduled_push_is_spread_and_an_admins_comes_at_once(tmp_path: Path) -> None:
    harness = build_harness(tmp_path, push_count=4, push_spread_minutes=40)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    harness.do("push")
    harness.deliver()
    assert len(harness.chat.posts) == 1
    harness.clock.advance(minutes=31)
    harness.deliver()
    assert len(harness.chat.posts) == 4
    harness.bot.game.request(WORKSPACE, "push", "UADMIN", count=3)
    harness.do_requests("push")
    harness.deliver()
    assert len(harness.chat.posts) == 7


def test_the_next_push_keeps_the_teams_own_time(tmp_path: Path) -> None:
    settings = harness_settings(tmp_path, timezone="Europe/Berlin", quiet_hours="18:00-09:00")
    friday_evening = datetime(2026, 3, 27, 16, 30, tzinfo=UTC)  # the clocks change on Sunday
    assert next_push(settings, friday_evening) == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("hours", [2, 6])
def test_learned_pushes_keep_their_pause(tmp_path: Path, hours: int) -> None:
    harness = build_harness(
        tmp_path, push_times="learned", push_every_hours=hours, quiet_hours="", weekdays="mon,tue,wed,thu,fri,sat,sun"
    )
    for number in range(1, 25):
        at = harness.clock.now()
        harness.do("push")
        pause = (harness.job("push").due_at - at) / timedelta(hours=hours)
        assert pause in {0.5, 0.75, 1.0, 1.25, 1.5}
        with harness.bot.store.read(WORKSPACE) as tx:
            assert len(tx.workspaces.draws()) == number
        harness.clock.time = harness.job("push").due_at
    harness.bot.close()


# --- rounds -----------------------------------------------------------------------------------------


def current(harness: Harness) -> int:
    with harness.bot.store.read(WORKSPACE) as tx:
        round_ = tx.rounds.current()
    assert round_ is not None
    return round_.number


def test_two_admins_who_close_a_round_close_one_and_a_crash_does_not_close_the_next(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.posts(1)
    for admin in ("UADA", "UBOB"):
        harness.bot.game.request(WORKSPACE, "close_round", admin)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(harness.bot.scheduler, "_done", die)
        with pytest.raises(KeyboardInterrupt):
            harness.do_requests("close_round")
    assert current(harness) == 2
    harness.do_requests("close_round")
    assert current(harness) == 2
    assert [job.recurs for job in harness.jobs("close_round")] == [True]
    with harness.bot.store.read(WORKSPACE) as tx:
        assert harness.job("close_round").due_at == tx.rounds.current().closes_at


def test_a_round_closes_when_it_is_due_and_its_job_waits_for_the_end_of_the_next(harness: Harness) -> None:
    harness.posts(1)
    harness.clock.advance(days=8)
    harness.do("close_round")
    assert current(harness) == 2
    harness.do("close_round")  # whoever plans it too early closes nothing
    assert current(harness) == 2
    with harness.bot.store.read(WORKSPACE) as tx:
        assert harness.job("close_round").due_at == tx.rounds.current().closes_at


# --- models -----------------------------------------------------------------------------------------


def settle_two(harness: Harness) -> None:
    for ts in harness.posts(2):
        harness.react("U1", ts, "pizza")
        harness.react("U2", ts, "pizza")
    harness.settle()


def enough(harness: Harness) -> None:
    retrain_if_enough(harness.bot.store, harness.clock, harness.bot.settings, WORKSPACE)


@pytest.fixture
def eager(tmp_path: Path) -> Harness:
    return build_harness(tmp_path, retrain_after=2)


def test_enough_new_verdicts_make_the_retraining_due(eager: Harness) -> None:
    enough(eager)
    assert eager.job("retrain").due_at > eager.clock.now()
    settle_two(eager)
    enough(eager)
    assert eager.job("retrain").due_at == eager.clock.now()
    eager.do("retrain")
    enough(eager)
    assert eager.job("retrain").due_at > eager.clock.now(), "these verdicts have been learned from"


def test_a_retraining_that_was_asked_for_counts_as_the_scheduled_one(eager: Harness) -> None:
    settle_two(eager)
    eager.bot.game.request(WORKSPACE, "retrain", "UADMIN")
    eager.do_requests("retrain")
    enough(eager)
    (job,) = eager.jobs("retrain")
    days = eager.bot.settings.retrain_every_days
    assert (job.recurs, job.ran_at, job.due_at - eager.clock.now()) == (True, eager.clock.now(), timedelta(days=days))


def test_a_retraining_that_failed_is_tried_again_later_and_later_whatever_settles(
    eager: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise TierbotError("out of memory")

    monkeypatch.setattr(eager.bot.registry, "retrain", fail)
    waits = []
    for _ in range(9):
        settle_two(eager)
        enough(eager)
        before = eager.job("retrain").due_at
        if eager.clock.now() < before:
            eager.clock.time = before
        eager.do("retrain")
        waits.append((eager.job("retrain").due_at - eager.clock.now()) / timedelta(minutes=1))
    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    monkeypatch.undo()
    eager.do("retrain")
    assert (eager.job("retrain").attempts, eager.job("retrain").error) == (0, None)


def test_a_training_that_another_process_took_over_leaves_no_model(
    eager: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle_two(eager)
    settle_round = Settlement.settle_round

    def starve(settlement: Settlement, workspace: str) -> object:
        done = settle_round(settlement, workspace)
        with eager.bot.store.begin(workspace) as tx:  # as another process would
            assert tx.agenda.claim("retrain", "heir", eager.clock.now())
        return done

    monkeypatch.setattr(Settlement, "settle_round", starve)
    eager.do("retrain")
    assert [model.id for model in eager.bot.game.models(WORKSPACE)] == ["m0001"]
    assert (eager.job("retrain").attempts, eager.job("retrain").ran_at) == (0, None), "it is the heir's"
    monkeypatch.undo()
    eager.do("retrain")
    assert len(eager.bot.game.models(WORKSPACE)) == 2


# --- all kinds --------------------------------------------------------------------------------------


def test_every_kind_of_job_is_in_the_one_table(harness: Harness) -> None:
    kinds: dict[str, Callable[[str, Job], object]] = {name: kind.work for name, kind in harness.bot.kinds.items()}
    assert {"push", "ask in threads", "poll", "close_round", "retrain", "reconcile", "expire"} <= set(kinds)
    assert {"nudge", "watch", "join", "emoji_missing", "smoke_test"} <= set(kinds)
    assert {name for name, kind in harness.bot.kinds.items() if kind.heavy} == {"retrain"}
    assert {name for name, kind in harness.bot.kinds.items() if kind.also_stopped} == {"expire"}


def test_a_restart_forgets_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(10))
    harness.do("push")
    before = {job: harness.job(job) for job in ("push", "close_round", "retrain")}
    harness.bot.close()
    again = build_harness(tmp_path)
    assert {job: again.job(job) for job in before} == before
    assert posts(again) == 5
    again.deliver()
    assert len(again.chat.posts) == 1  # the rest of the push is spread over the next half hour
