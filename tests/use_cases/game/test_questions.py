"""What people ask and what admins request."""

from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import TierbotError


def test_the_leaderboard_of_this_round_is_live_and_the_last_ones_is_frozen(harness: Harness) -> None:
    game = harness.bot.game
    first, second = harness.posts(2)
    harness.react("U1", first, "pizza")
    harness.react("U1", second, "pizza")
    harness.react("U2", first, "pizza")
    harness.settle()
    live = game.leaderboard(WORKSPACE, "this")
    assert (live.round_number, live.frozen) == (1, False)
    assert [(line.rank, line.user, line.score) for line in live.standings] == [(1, "U1", 2), (2, "U2", 1)]
    harness.bot.loop.close_round(WORKSPACE)
    harness.react("U2", second, "pizza")
    harness.settle()
    last = game.leaderboard(WORKSPACE, "last")
    assert (last.round_number, last.frozen, last.champion) == (1, True, "U1")
    assert game.leaderboard(WORKSPACE, "1") == last
    assert [(line.user, line.score) for line in last.standings] == [("U1", 2), ("U2", 1)]
    assert game.leaderboard(WORKSPACE, "this").standings == ()


def test_all_time_adds_the_frozen_rounds_and_the_live_one(harness: Harness) -> None:
    for _ in range(2):
        (ts,) = harness.posts(1)
        harness.react("U1", ts, "pizza")
        harness.bot.loop.close_round(WORKSPACE)
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.settle()
    board = harness.bot.game.leaderboard(WORKSPACE, "all")
    assert [(line.user, line.score) for line in board.standings] == [("U1", 3)]


@pytest.mark.parametrize("which", ["last", "7", "yesterday", "-1", "0"])
def test_a_round_that_there_is_not_is_refused_kindly(harness: Harness, which: str) -> None:
    with pytest.raises(TierbotError):
        harness.bot.game.leaderboard(WORKSPACE, which)


def test_my_score_says_who_is_ahead_and_counts_the_streak(harness: Harness) -> None:
    first, second = harness.posts(2)
    harness.react("U2", first, "pizza")
    harness.clock.advance(days=1)
    harness.react("U1", first, "pizza")
    harness.react("U1", second, "pizza")
    harness.react("U2", first, "food")
    harness.settle()
    mine = harness.bot.game.my_score(WORKSPACE, "U2")
    assert (mine.standing.score, mine.ahead.user, mine.trainers, mine.streak) == (1, "U1", 2, 1)
    nobody = harness.bot.game.my_score(WORKSPACE, "U9")
    assert (nobody.standing, nobody.ahead.user, nobody.streak) == (None, "U2", 0)


def test_a_request_is_due_at_once_and_stands_in_the_audit_trail(harness: Harness) -> None:
    assert harness.bot.game.request(WORKSPACE, "push", "UADMIN", "trigger", count=7)
    assert not harness.bot.game.request(WORKSPACE, "push", "UADMIN", "trigger", count=7), "Slack delivered it twice"
    asked, scheduled = harness.jobs("push")
    with harness.bot.store.read(WORKSPACE) as tx:
        (entry,) = tx.workspaces.audit_trail(5)
    assert (asked.due_at, asked.asked_at) == (harness.clock.now(), harness.clock.now())
    assert (asked.asked_by, asked.payload, asked.recurs) == ("UADMIN", {"count": 7}, False)
    assert scheduled.recurs
    assert (entry["who"], entry["what"]) == ("UADMIN", "request push")
    with pytest.raises(TierbotError, match="Unknown job"):
        harness.bot.game.request(WORKSPACE, "dance", "UADMIN")


def test_pausing_twice_says_that_it_was_paused_already(harness: Harness) -> None:
    game = harness.bot.game
    assert game.pause(WORKSPACE, "UADMIN")
    assert not game.pause(WORKSPACE, "UADMIN")
    assert game.resume(WORKSPACE, "UADMIN")
    assert not game.resume(WORKSPACE, "UADMIN")


def test_round_status_counts_posts_votes_and_outcomes(harness: Harness) -> None:
    first, second, _ = harness.posts(3)
    for user in ("U1", "U2"):
        harness.react(user, first, "pizza")
    harness.react("U1", second, "pizza")
    harness.settle()
    status = harness.bot.game.round_status(WORKSPACE)
    assert (status.posts, status.judged, status.named, status.abstained, status.trainers) == (3, 2, 1, 1, 2)


def test_the_champion_stands_first_on_the_frozen_board_whatever_their_id(harness: Harness) -> None:
    """All three have the same score; U9 was there first."""
    (ts,) = harness.posts(1)
    for user in ("U9", "U1", "U5"):
        harness.react(user, ts, "pizza")
    harness.bot.loop.close_round(WORKSPACE)
    board = harness.bot.game.leaderboard(WORKSPACE, "last")
    assert (board.champion, [line.user for line in board.standings]) == ("U9", ["U9", "U1", "U5"])


def test_a_push_takes_no_more_than_waits_and_is_counted_until_it_is_done(harness: Harness) -> None:
    game = harness.bot.game
    assert game.push(WORKSPACE, 5, "UADMIN").posts == 0
    assert [job for job in harness.jobs("push") if not job.recurs] == [], "nothing is promised"
    harness.bot.loop.take_in(WORKSPACE, harness.articles(4))
    first = game.push(WORKSPACE, 3, "UADMIN")
    second = game.push(WORKSPACE, 3, "UADMIN")
    assert (first.posts, first.queue.waiting, second.posts, second.queue.requested) == (3, 4, 1, 3)
    harness.do_requests("push")
    queue = game.queue(WORKSPACE)
    assert (queue.waiting, queue.requested, queue.unsent) == (0, 0, 4)
    harness.deliver()
    assert game.queue(WORKSPACE).unsent == 0


def test_articles_held_back_do_not_count_as_waiting(tmp_path: Path) -> None:
    rules = tmp_path / "boundaries.toml"
    rules.write_text('sources = ["n.example"]\n')
    harness = build_harness(tmp_path, boundaries=rules)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(4))
    assert harness.bot.game.queue(WORKSPACE).waiting == 4, "the rules are read when a push considers them"
    harness.bot.loop.ask(WORKSPACE, 4)
    assert harness.bot.game.queue(WORKSPACE).waiting == 0
    harness.bot.close()


def test_a_retraining_without_anything_to_learn_from_is_not_requested(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.settle()
    found = harness.bot.game.retrain(WORKSPACE, "UADMIN")
    assert (found.verdicts, found.imported, found.judged) == (0, False, 1)
    assert [job for job in harness.jobs("retrain") if not job.recurs] == []
    harness.react("U2", ts, "pizza")
    harness.settle()
    assert harness.bot.game.retrain(WORKSPACE, "UADMIN").new == 1
    assert [job.asked_by for job in harness.jobs("retrain") if not job.recurs] == ["UADMIN"]
