"""How the bot stands, from its database alone: as data, and as people read it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from tests.conftest import WORKSPACE, Harness
from tierbot.cli.app import app
from tierbot.cli.status import _lines
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.reports.status import Status, status_of
from tierbot.use_cases.ports import ChatError, Job


def seen(harness: Harness) -> Status:
    bot = harness.bot
    with bot.store.read(WORKSPACE) as tx:
        return status_of(tx, "C1", harness.clock.now(), harness.bot.game.boundaries, ask_unclear=False)


def text(harness: Harness) -> str:
    return "\n".join(_lines(seen(harness), harness.clock.now()))


def test_a_bot_that_never_ran_is_told_how_to_start(harness: Harness) -> None:
    found = seen(harness)
    assert (found["running"], found["last_tick_at"], found["last_reaction_at"]) == (False, None, None)
    assert found["workspace"] == {"id": WORKSPACE, "name": "Test", "stopped_at": None}
    assert "no; start it with `tierbot run`" in text(
        harness
    )  # nor is a bot that stopped in order told to have never run


def test_the_scheduler_lease_tells_that_a_bot_runs_and_since_when_it_does_not(harness: Harness) -> None:
    harness.bot.scheduler.renew()
    ticked = harness.clock.now()
    harness.clock.advance(seconds=3)
    assert (seen(harness)["running"], seen(harness)["last_tick_at"]) == (True, ticked)
    assert "yes, last tick 3 s ago" in text(harness)
    harness.clock.advance(minutes=5)
    assert (seen(harness)["running"], seen(harness)["last_tick_at"]) == (False, ticked)
    assert "no, last tick 5 min ago" in text(harness)


def test_posts_votes_and_verdicts_of_the_round_are_counted(harness: Harness) -> None:
    one, two, _ = harness.posts(3)
    for user in ("U1", "U2"):
        harness.react(user, one, "pizza")
    harness.react("U1", two, "football")
    harness.settle()
    round_ = seen(harness)["round"]
    assert (round_["number"], round_["posts"], round_["votes"], round_["trainers"]) == (1, 3, 3, 2)
    assert round_["verdicts"] == {"named": 1, "wrong": 0, "abstained": 1}
    assert "3 posts, 3 votes by 2 trainers" in text(harness)
    assert seen(harness)["last_reaction_at"] == harness.clock.now()


def test_the_outbox_tells_its_depth_its_oldest_and_slacks_word_for_what_is_parked(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2))
    harness.bot.loop.ask(WORKSPACE, 2, spread=timedelta(minutes=10))
    due = seen(harness)["outbox"]
    assert due["waiting"] >= 2
    assert due["oldest_late_seconds"] == 0
    harness.clock.advance(minutes=4)
    assert seen(harness)["outbox"]["oldest_late_seconds"] == 240
    assert "the oldest is 4 min late" in text(harness)
    harness.chat.faults.append(ChatError("msg_too_long", "The message is too long."))
    harness.bot.loop.deliver(WORKSPACE)
    found = seen(harness)
    assert found["outbox"]["parked"] == len(found["parked"]) >= 1
    assert any("msg_too_long" in (item["slack_says"] or "") for item in found["parked"])
    assert "msg_too_long" in text(harness)


def test_what_waits_to_be_posted_is_told_with_the_pushes_under_way(harness: Harness) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(9))
    harness.bot.game.push(WORKSPACE, 5, "U1")
    harness.bot.loop.ask(WORKSPACE, 2)
    assert seen(harness)["articles"]["waiting"] == 7
    assert "articles     7 waiting to be posted, 2 posts on the way to Slack\n" in text(harness)
    assert "  push       5 of 5 still to post, requested by U1\n" in text(harness)


def test_jobs_are_listed_with_the_next_one_first_and_who_asked(harness: Harness) -> None:
    harness.bot.game.request(WORKSPACE, "retrain", "U1")
    jobs = seen(harness)["jobs"]
    assert {"push", "retrain", "reconcile", "close_round"} <= {job["job"] for job in jobs}
    assert [job["asked_by"] for job in jobs if job["job"] == "retrain"] == ["U1", None]
    moments = [job["due_at"] for job in seen(harness)["jobs"]]
    assert moments == sorted(moments)


def test_pausing_and_broken_feeds_are_told(harness: Harness) -> None:
    harness.bot.scheduler.renew()
    harness.bot.game.pause(WORKSPACE, "U1")
    good, bad = Feed("https://a.example/rss", "A"), Feed("https://b.example/rss", "B")
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.feeds.add([good, bad], ListedBy.PEOPLE)
        for feed, problem in ((good, None), (bad, "It answers 404.")):
            tx.feeds.polled(FeedResult(feed, (), FeedMemory(), problem), harness.clock.now(), 0)
    assert seen(harness)["feeds"]["listed"] == 2
    assert [feed["name"] for feed in seen(harness)["feeds"]["broken"]] == ["B"]
    assert "B: It answers 404." in text(harness)
    assert "scheduled posts are paused until /tier resume" in text(harness)


def test_the_command_reads_any_database_and_opens_nothing_else(
    harness: Harness, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.posts(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0
    assert "Test (T1)" in result.output
    assert "1 post, " in result.output


def test_a_workspace_that_the_app_was_taken_from_is_told_as_stopped(harness: Harness) -> None:
    with harness.bot.store.begin(WORKSPACE) as tx:
        known = tx.workspaces.get()
        assert known is not None
        tx.workspaces.put(replace(known, stopped_at=harness.clock.now()))
    assert "stopped" in text(harness)
    assert "the app was uninstalled there; its data is kept" in text(harness)


def test_a_job_that_failed_is_listed_with_its_fault(harness: Harness) -> None:
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.put(replace(Job.recurring("poll", harness.clock.now()), attempts=2, error="StoreError: no room"))
    (job,) = [one for one in seen(harness)["jobs"] if one["job"] == "poll"]
    assert (job["failed"], job["error"]) == (2, "StoreError: no room")
    assert "failed 2 times: StoreError: no room" in text(harness)
