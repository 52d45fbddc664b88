"""Nudges: rarely, only to who might want one, never when it is quiet."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.use_cases.game.nudges import JOB, MOST_A_ROUND
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Job


def close(harness: Harness) -> None:
    assert harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(seconds=1)


def play_a_round(harness: Harness, *users: str) -> str:
    """Let users judge a post, close the round, and post in the next; return the ts of that post."""
    (ts,) = harness.posts(1)
    for user in users:
        harness.react(user, ts, "pizza")
    close(harness)
    (ts,) = harness.posts(1)
    harness.clock.advance(days=1)
    return ts


def nudge(harness: Harness) -> list[str]:
    """Send the nudges that are due and return the channels they were queued for."""
    harness.bot.nudges.nudge(WORKSPACE, harness.clock.now() + timedelta(hours=1))
    before = len(harness.chat.announcements)
    harness.deliver()
    return [f"round {one['round']}, {one['waiting']} waiting" for one in harness.chat.announcements[before:]]


def test_who_judged_in_the_last_round_and_not_in_this_one_is_nudged_once_a_day(harness: Harness) -> None:
    play_a_round(harness, "U1")
    assert "round 2, 1 waiting" in nudge(harness)
    assert nudge(harness) == []
    harness.clock.advance(hours=19)
    assert nudge(harness) == []
    harness.clock.advance(hours=2)
    assert nudge(harness) == ["round 2, 1 waiting"]


def test_after_two_nudges_a_round_is_let_pass(harness: Harness) -> None:
    play_a_round(harness, "U1")
    sent = []
    for _ in range(5):
        sent += [one for one in nudge(harness) if one.startswith("round 2, ")]
        harness.clock.advance(days=1)
    assert len(sent) == MOST_A_ROUND
    close(harness)
    harness.posts(1)
    harness.clock.advance(days=2)
    assert "round 3, 1 waiting" in nudge(harness), "the next round is another"


def test_who_judges_already_never_judged_or_has_nothing_to_judge_is_left_alone(harness: Harness) -> None:
    ts = play_a_round(harness, "U1", "U2")
    harness.react("U1", ts, "pizza")
    harness.react("U2", ts, "pizza")
    harness.settle()
    harness.deliver()
    assert nudge(harness) == []
    close(harness)
    harness.clock.advance(days=2)
    harness.deliver()
    assert nudge(harness) == [], "there is nothing to judge in round 3"


def test_who_has_not_judged_for_three_rounds_has_left_the_game(harness: Harness) -> None:
    play_a_round(harness, "U1")
    for _ in range(3):
        close(harness)
        harness.posts(1)
    harness.clock.advance(days=2)
    harness.deliver()
    assert nudge(harness) == []


def test_a_round_in_its_first_day_needs_no_reminding(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    close(harness)
    harness.posts(1)
    harness.clock.advance(hours=23)
    harness.deliver()
    assert nudge(harness) == []


def test_who_opted_out_is_never_nudged(harness: Harness) -> None:
    play_a_round(harness, "U1", "U2")
    harness.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=True)
    harness.deliver()
    assert len(nudge(harness)) == 1
    with harness.bot.store.read(WORKSPACE) as tx:
        assert "nudged" not in tx.trainers.get("U1").notes
        assert "nudged" in tx.trainers.get("U2").notes


def test_who_cannot_be_written_to_is_passed_over_and_a_silent_slack_is_asked_again(harness: Harness) -> None:
    play_a_round(harness, "U1", "U2")
    harness.deliver()
    harness.chat.faults = [ChatError("user_not_found", "gone")]
    assert len(nudge(harness)) == 1
    harness.clock.advance(days=1)
    harness.chat.faults = [ChatUnavailableError("no answer")]
    with pytest.raises(ChatUnavailableError):
        nudge(harness)
    assert len(nudge(harness)) == 2, "none was lost, none is sent twice"


def test_a_nudge_that_slack_kept_waiting_past_its_time_is_not_sent_at_all(harness: Harness) -> None:
    play_a_round(harness, "U1")
    harness.deliver()
    before = len(harness.chat.announcements)
    harness.bot.nudges.nudge(WORKSPACE, harness.clock.now() + timedelta(minutes=10))
    harness.clock.advance(minutes=11)
    harness.deliver()
    assert len(harness.chat.announcements) == before
    harness.clock.advance(minutes=30)
    assert not harness.bot.loop.deliver(WORKSPACE), "and it does not lie around"


def due(harness: Harness) -> Job | None:
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.agenda.get(JOB)


def test_the_job_waits_for_the_end_of_quiet_hours_and_comes_once_a_day(harness: Harness) -> None:
    # The harness's clock stands at Monday 2026-11-23 12:00 UTC; it is quiet from 18:00 to 09:00 and at weekends.
    harness.bot.nudges.plan(WORKSPACE)
    assert due(harness).due_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    harness.clock.time = datetime(2026, 11, 24, 19, tzinfo=UTC)
    harness.do(JOB)
    assert (due(harness).due_at, due(harness).ran_at) == (datetime(2026, 11, 25, 9, tzinfo=UTC), None)
    harness.clock.time = datetime(2026, 11, 27, 9, tzinfo=UTC)  # Friday
    harness.do(JOB)
    assert due(harness).due_at == datetime(2026, 11, 30, 9, tzinfo=UTC), "Monday"
    before = due(harness)
    harness.bot.nudges.plan(WORKSPACE)
    assert due(harness) == before, "planning again changes nothing"


def test_shortly_before_quiet_hours_a_nudge_is_good_until_they_begin(harness: Harness) -> None:
    play_a_round(harness, "U1")
    harness.deliver()
    harness.clock.time = datetime(2026, 11, 25, 17, 52, tzinfo=UTC)
    harness.bot.nudges(WORKSPACE, Job.recurring(JOB, harness.clock.now()))
    harness.clock.time = datetime(2026, 11, 25, 18, 0, 1, tzinfo=UTC)
    before = len(harness.chat.announcements)
    harness.deliver()
    assert len(harness.chat.announcements) == before


def test_a_setting_takes_nudges_off_the_agenda(tmp_path) -> None:
    harness = build_harness(tmp_path, nudges=False)
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.agenda.plan(JOB, harness.clock.now())
    harness.bot.nudges.plan(WORKSPACE)
    assert due(harness) is None
    harness.bot.close()
