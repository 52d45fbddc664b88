"""Nudges: rarely, only to who might want one, never when it is quiet. Thanks: once."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import WORKSPACE, Stage, raise_stage
from tierbot.domain.nouns import ReactionEvent, Source
from tierbot.use_cases.people.nudges import JOB, MOST_A_ROUND
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Due


def close(stage: Stage) -> None:
    assert stage.bot.loop.close_round(WORKSPACE)
    stage.clock.advance(seconds=1)


def play_a_round(stage: Stage, *users: str) -> str:
    """Let users judge a post, close the round, and post in the next; return the ts of that post."""
    (ts,) = stage.posts(1)
    for user in users:
        stage.react(user, ts, "pizza")
    close(stage)
    (ts,) = stage.posts(1)
    stage.clock.advance(days=1)
    return ts


def nudge(stage: Stage) -> list[str]:
    """Send the nudges that are due and return the channels they were queued for."""
    stage.bot.courtesy.nudge(WORKSPACE, stage.clock.now() + timedelta(hours=1))
    before = len(stage.chat.announcements)
    stage.deliver()
    return [f"round {one['round']}, {one['waiting']} waiting" for one in stage.chat.announcements[before:]]


def test_who_judged_in_the_last_round_and_not_in_this_one_is_nudged_once_a_day(stage: Stage) -> None:
    play_a_round(stage, "U1")
    assert "round 2, 1 waiting" in nudge(stage)
    assert nudge(stage) == []
    stage.clock.advance(hours=19)
    assert nudge(stage) == []
    stage.clock.advance(hours=2)
    assert nudge(stage) == ["round 2, 1 waiting"]


def test_after_two_nudges_a_round_is_let_pass(stage: Stage) -> None:
    play_a_round(stage, "U1")
    sent = []
    for _ in range(5):
        sent += [one for one in nudge(stage) if one.startswith("round 2, ")]
        stage.clock.advance(days=1)
    assert len(sent) == MOST_A_ROUND
    close(stage)
    stage.posts(1)
    stage.clock.advance(days=2)
    assert "round 3, 1 waiting" in nudge(stage), "the next round is another"


def test_who_judges_already_never_judged_or_has_nothing_to_judge_is_left_alone(stage: Stage) -> None:
    ts = play_a_round(stage, "U1", "U2")
    stage.react("U1", ts, "pizza")
    stage.react("U2", ts, "pizza")
    stage.bot.loop.settle(WORKSPACE)
    stage.deliver()
    assert nudge(stage) == []
    close(stage)
    stage.clock.advance(days=2)
    stage.deliver()
    assert nudge(stage) == [], "there is nothing to judge in round 3"


def test_who_has_not_judged_for_three_rounds_has_left_the_game(stage: Stage) -> None:
    play_a_round(stage, "U1")
    for _ in range(3):
        close(stage)
    stage.posts(1)
    stage.clock.advance(days=2)
    stage.deliver()
    assert nudge(stage) == []


def test_a_round_in_its_first_day_needs_no_reminding(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    stage.react("U1", ts, "pizza")
    close(stage)
    stage.posts(1)
    stage.clock.advance(hours=23)
    stage.deliver()
    assert nudge(stage) == []


def test_who_opted_out_is_never_nudged(stage: Stage) -> None:
    play_a_round(stage, "U1", "U2")
    stage.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=True)
    stage.deliver()
    assert len(nudge(stage)) == 1
    with stage.bot.store.read(WORKSPACE) as tx:
        assert "nudged" not in tx.trainers.get("U1").notes
        assert "nudged" in tx.trainers.get("U2").notes


def test_who_cannot_be_written_to_is_passed_over_and_a_silent_slack_is_asked_again(stage: Stage) -> None:
    play_a_round(stage, "U1", "U2")
    stage.deliver()
    stage.chat.faults = [ChatError("user_not_found", "gone")]
    assert len(nudge(stage)) == 1
    stage.clock.advance(days=1)
    stage.chat.faults = [ChatUnavailableError("no answer")]
    with pytest.raises(ChatUnavailableError):
        nudge(stage)
    assert len(nudge(stage)) == 2, "none was lost, none is sent twice"


def test_a_nudge_that_slack_kept_waiting_past_its_time_is_not_sent_at_all(stage: Stage) -> None:
    play_a_round(stage, "U1")
    stage.deliver()
    before = len(stage.chat.announcements)
    stage.bot.courtesy.nudge(WORKSPACE, stage.clock.now() + timedelta(minutes=10))
    stage.clock.advance(minutes=11)
    stage.deliver()
    assert len(stage.chat.announcements) == before
    stage.clock.advance(minutes=30)
    assert not stage.bot.loop.deliver(WORKSPACE), "and it does not lie around"


def due(stage: Stage) -> Due | None:
    with stage.bot.store.read(WORKSPACE) as tx:
        return tx.agenda.get(JOB)


def test_the_job_waits_for_the_end_of_quiet_hours_and_comes_once_a_day(stage: Stage) -> None:
    # The stage's clock stands at Monday 2026-11-23 12:00 UTC; it is quiet from 18:00 to 09:00 and at weekends.
    stage.bot.courtesy.plan(WORKSPACE)
    assert due(stage).due_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    run = stage.bot.courtesy
    stage.clock.time = datetime(2026, 11, 24, 19, tzinfo=UTC)
    run(stage.bot.loop, WORKSPACE, due(stage))
    assert (due(stage).due_at, due(stage).ran_at) == (datetime(2026, 11, 25, 9, tzinfo=UTC), None)
    stage.clock.time = datetime(2026, 11, 27, 9, tzinfo=UTC)  # Friday
    run(stage.bot.loop, WORKSPACE, due(stage))
    assert due(stage).due_at == datetime(2026, 11, 30, 9, tzinfo=UTC), "Monday"
    before = due(stage)
    run.plan(WORKSPACE)
    assert due(stage) == before, "planning again changes nothing"


def test_shortly_before_quiet_hours_a_nudge_is_good_until_they_begin(stage: Stage) -> None:
    play_a_round(stage, "U1")
    stage.deliver()
    stage.clock.time = datetime(2026, 11, 25, 17, 52, tzinfo=UTC)
    stage.bot.courtesy(stage.bot.loop, WORKSPACE, Due(JOB, stage.clock.now()))
    stage.clock.time = datetime(2026, 11, 25, 18, 0, 1, tzinfo=UTC)
    before = len(stage.chat.announcements)
    stage.deliver()
    assert len(stage.chat.announcements) == before


def test_a_setting_takes_nudges_off_the_agenda(tmp_path) -> None:
    stage = raise_stage(tmp_path, nudges=False)
    with stage.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.set(Due(JOB, stage.clock.now()))
    stage.bot.courtesy.plan(WORKSPACE)
    assert due(stage) is None
    stage.bot.close()


# --- late votes -----------------------------------------------------------------------------------


def vote(stage: Stage, user: str, ts: str, name: str = "pizza", **more) -> ReactionEvent:
    stage.clock.advance(seconds=1)
    now = stage.clock.now()
    values = {"event_id": f"E{now}", "added": True, "happened_at": now, "received_at": now} | more
    return ReactionEvent(channel="C1", ts=ts, user=user, name=name, **values)


def test_a_late_vote_is_thanked_once_a_trainer_and_round(stage: Stage) -> None:
    first, second = stage.posts(2)
    late = stage.bot.courtesy.late_vote
    assert late(WORKSPACE, vote(stage, "U1", first)) is None, "the round is open"
    close(stage)
    assert late(WORKSPACE, vote(stage, "U1", first)) == 1
    assert late(WORKSPACE, vote(stage, "U1", second)) is None
    assert late(WORKSPACE, vote(stage, "U2", second)) == 1
    (third,) = stage.posts(1)
    assert late(WORKSPACE, vote(stage, "U1", third)) is None
    close(stage)
    assert late(WORKSPACE, vote(stage, "U1", third)) == 2
    assert late(WORKSPACE, vote(stage, "U1", first)) is None, "round 1 was thanked for"


def test_what_is_no_late_vote_is_not_thanked(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    in_time = vote(stage, "U1", ts)
    close(stage)
    late = stage.bot.courtesy.late_vote
    assert late(WORKSPACE, in_time) is None, "it was delivered late, not given late"
    assert late(WORKSPACE, vote(stage, "U1", ts, added=False)) is None
    assert late(WORKSPACE, vote(stage, "U1", ts, "eyes")) is None
    assert late(WORKSPACE, vote(stage, "U1", "1700000000.000001")) is None
    assert late(WORKSPACE, vote(stage, "U1", ts, "no-such-tag", source=Source.MENU)) is None
    assert late(WORKSPACE, vote(stage, "U1", ts, "food", source=Source.MENU)) == 1


def test_a_late_vote_teaches_and_does_not_score(stage: Stage) -> None:
    (ts,) = stage.posts(1)
    close(stage)
    for user in ("U1", "U2"):
        stage.react(user, ts, "pizza")
    stage.bot.loop.settle(WORKSPACE)
    assert stage.bot.game.leaderboard(WORKSPACE, "1").standings == ()
    with stage.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}
