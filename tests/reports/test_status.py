"""How the bot stands, from its database alone: as data, and as people read it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.conftest import WORKSPACE, Stage
from tierbot.cli.app import app
from tierbot.cli.status import _lines
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.reports.status import Status, status_of
from tierbot.use_cases.jobs.schedule import LEASE
from tierbot.use_cases.ports import ChatError


def seen(stage: Stage) -> Status:
    bot = stage.bot
    round_status = bot.game.round_status(WORKSPACE)
    with bot.store.read(WORKSPACE) as tx:
        return status_of(tx, "C1", round_status, stage.clock.now(), LEASE)


def text(stage: Stage) -> str:
    return "\n".join(_lines(seen(stage), stage.clock.now()))


def test_a_bot_that_never_ran_is_told_how_to_start(stage: Stage) -> None:
    found = seen(stage)
    assert (found["running"], found["last_tick_at"], found["last_reaction_at"]) == (False, None, None)
    assert found["workspace"] == {"id": WORKSPACE, "name": "Test", "stopped_at": None}
    assert "no; start it with `tierbot run`" in text(stage)  # nor is a bot that stopped in order told to have never run


def test_the_scheduler_lease_tells_that_a_bot_runs_and_since_when_it_does_not(stage: Stage) -> None:
    stage.bot.scheduler.tick()
    ticked = stage.clock.now()
    stage.clock.advance(seconds=3)
    assert (seen(stage)["running"], seen(stage)["last_tick_at"]) == (True, ticked)
    assert "yes, last tick 3 s ago" in text(stage)
    stage.clock.advance(minutes=5)
    assert (seen(stage)["running"], seen(stage)["last_tick_at"]) == (False, ticked)
    assert "no, last tick 5 min ago" in text(stage)


def test_posts_votes_and_verdicts_of_the_round_are_counted(stage: Stage) -> None:
    one, two, _ = stage.posts(3)
    for user in ("U1", "U2"):
        stage.react(user, one, "pizza")
    stage.react("U1", two, "football")
    stage.bot.loop.settle(WORKSPACE)
    round_ = seen(stage)["round"]
    assert (round_["number"], round_["posts"], round_["votes"], round_["trainers"]) == (1, 3, 3, 2)
    assert round_["verdicts"] == {"named": 1, "wrong": 0, "abstained": 1}
    assert "3 posts, 3 votes of 2 trainers" in text(stage)
    assert seen(stage)["last_reaction_at"] == stage.clock.now()


def test_the_outbox_tells_its_depth_its_oldest_and_slacks_word_for_what_is_parked(stage: Stage) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(2))
    stage.bot.loop.ask(WORKSPACE, 2, spread=timedelta(minutes=10))
    due = seen(stage)["outbox"]
    assert due["waiting"] >= 2
    assert due["oldest_late_seconds"] == 0
    stage.clock.advance(minutes=4)
    assert seen(stage)["outbox"]["oldest_late_seconds"] == 240
    assert "the oldest is 4 min late" in text(stage)
    stage.chat.faults.append(ChatError("msg_too_long", "The message is too long."))
    stage.bot.loop.deliver(WORKSPACE)
    found = seen(stage)
    assert found["outbox"]["parked"] == len(found["parked"]) >= 1
    assert any("msg_too_long" in (item["slack_says"] or "") for item in found["parked"])
    assert "msg_too_long" in text(stage)


def test_jobs_are_listed_with_the_next_one_first_and_who_asked(stage: Stage) -> None:
    stage.bot.game.request(WORKSPACE, "retrain", "U1")
    jobs = {job["job"]: job for job in seen(stage)["jobs"]}
    assert {"push", "retrain", "reconcile", "close_round"} <= set(jobs)
    assert jobs["retrain"]["asked_by"] == "U1"
    moments = [job["due_at"] for job in seen(stage)["jobs"]]
    assert moments == sorted(moments)


def test_pausing_and_broken_feeds_are_told(stage: Stage) -> None:
    stage.bot.scheduler.tick()
    stage.bot.game.pause(WORKSPACE, "U1")
    good, bad = Feed("https://a.example/rss", "A"), Feed("https://b.example/rss", "B")
    with stage.bot.store.begin(WORKSPACE) as tx:
        tx.feeds.add([good, bad], ListedBy.PEOPLE)
        for feed, problem in ((good, None), (bad, "It answers 404.")):
            tx.feeds.polled(FeedResult(feed, (), FeedMemory(), problem), stage.clock.now(), 0)
    assert seen(stage)["feeds"]["listed"] == 2
    assert [feed["name"] for feed in seen(stage)["feeds"]["broken"]] == ["B"]
    assert "B: It answers 404." in text(stage)
    assert "paused: nothing is posted until /tier resume" in text(stage)


def test_the_command_reads_any_database_and_opens_nothing_else(
    stage: Stage, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.posts(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0
    assert "Test (T1)" in result.output
    assert "1 post, " in result.output


def test_a_workspace_that_the_app_was_taken_from_is_told_as_stopped(stage: Stage) -> None:
    with stage.bot.store.begin(WORKSPACE) as tx:
        known = tx.workspaces.get()
        assert known is not None
        tx.workspaces.put(replace(known, stopped_at=stage.clock.now()))
    assert "stopped" in text(stage)
    assert "the app is not installed there; its data are kept" in text(stage)
