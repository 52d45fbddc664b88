"""A vote that is recorded before its round is frozen scores, any later one is thanked as late; none is neither."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import ReactionEvent, Source
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.ports import ChatError, ReactionCount
from tierbot.use_cases.voting.settlement import Settlement


def vote(harness: Harness, user: str, ts: str, name: str = "pizza", **more: object) -> ReactionEvent:
    harness.clock.advance(seconds=1)
    now = harness.clock.now()
    values = {"event_id": f"E{user}{now}", "added": True, "happened_at": now, "received_at": now} | more
    return ReactionEvent(channel="C1", ts=ts, user=user, name=name, **values)  # type: ignore[arg-type]


def record(harness: Harness, event: ReactionEvent) -> None:
    assert harness.bot.loop.record(WORKSPACE, event)


def scored(harness: Harness, number: int = 1) -> dict[str, int]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return {line.user: line.score for line in tx.rounds.standings(number)}


def thanked(harness: Harness) -> list[tuple[str, int]]:
    """Settle what there is, send what is due, and return who was thanked for which round."""
    harness.settle()
    harness.clock.advance(seconds=1)
    harness.deliver()
    return [(user, news["round"]) for user, news in harness.chat.whispers]


def while_closing(harness: Harness, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once after the round's votes were settled, before it is frozen."""
    settle, pending = Settlement.settle_round, [happens]

    def settled(settlement: Settlement, workspace: str) -> int:
        changed = settle(settlement, workspace)
        if pending:
            pending.pop()()
        return changed

    monkeypatch.setattr(Settlement, "settle_round", settled)


def test_a_vote_that_is_recorded_while_its_round_is_being_closed_scores(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ts,) = harness.posts(1)
    in_time = vote(harness, "U1", ts)
    while_closing(harness, monkeypatch, lambda: record(harness, in_time))
    closed = harness.bot.loop.close_round(WORKSPACE)
    assert closed is not None
    assert (closed.champion, scored(harness), thanked(harness)) == ("U1", {"U1": 1}, [])


def test_the_standings_know_the_verdict_that_such_a_vote_made(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ts,) = harness.posts(1)
    record(harness, vote(harness, "U1", ts))
    second = vote(harness, "U2", ts)
    while_closing(harness, monkeypatch, lambda: record(harness, second))
    harness.bot.loop.close_round(WORKSPACE)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [(line.agreed, line.settled) for line in tx.rounds.standings(1)] == [(1, 1), (1, 1)]


def test_a_round_is_frozen_although_votes_keep_coming(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    (ts,) = harness.posts(1)
    settle, users = Settlement.settle_round, iter(range(99))

    def settled(settlement: Settlement, workspace: str) -> int:
        changed = settle(settlement, workspace)
        record(harness, vote(harness, f"U{next(users)}", ts))
        return changed

    monkeypatch.setattr(Settlement, "settle_round", settled)
    assert harness.bot.loop.close_round(WORKSPACE)
    assert set(scored(harness)) == {f"U{user}" for user in range(next(users))}


def test_a_vote_that_is_recorded_after_the_freeze_is_late_whatever_its_stamp_says(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    underway = vote(harness, "U1", ts)
    harness.bot.loop.close_round(WORKSPACE)
    record(harness, underway)
    assert (scored(harness), thanked(harness)) == ({}, [("U1", 1)])


def test_a_vote_from_a_clock_that_is_ahead_scores_if_it_is_recorded_in_time(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    record(harness, vote(harness, "U1", ts, happened_at=harness.clock.now() + timedelta(minutes=1)))
    harness.bot.loop.close_round(WORKSPACE)
    assert (scored(harness), thanked(harness)) == ({"U1": 1}, [])


def test_a_vote_that_reconciliation_finds_after_the_freeze_is_thanked_too(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(seconds=1)
    harness.chat.shown[ts] = [ReactionCount("pizza", ("U1",), complete=True)]
    assert harness.bot.loop.reconcile(WORKSPACE).found == 1
    assert thanked(harness) == [("U1", 1)]


def test_every_vote_of_a_race_with_the_freeze_scores_or_is_thanked_and_none_does_both(harness: Harness) -> None:
    placed = harness.posts(3)
    harness.settle()
    users = [f"U{number}" for number in range(60)]
    events = {user: [vote(harness, user, ts) for ts in placed] for user in users}
    halfway, done = threading.Event(), threading.Event()

    def give() -> None:
        for place, user in enumerate(users):
            if place == len(users) // 3:
                halfway.set()
            for event in events[user]:
                record(harness, event)
        done.set()

    giving = threading.Thread(target=give)
    giving.start()
    halfway.wait(20)
    harness.bot.loop.close_round(WORKSPACE)
    giving.join(20)
    assert done.is_set()
    points, late = scored(harness), dict(thanked(harness))
    assert points, "some came in time"
    with harness.bot.store.read(WORKSPACE) as tx:
        kept = {user: sum(user in {one.user for one in tx.ledger.events("C1", ts)} for ts in placed) for user in users}
    assert kept == dict.fromkeys(users, 3)
    neither = [user for user in users if points.get(user, 0) < 3 and user not in late]
    both = [user for user in users if points.get(user, 0) == 3 and user in late]
    assert (neither, both) == ([], [])


def test_a_late_vote_is_thanked_once_a_trainer_and_round(harness: Harness) -> None:
    first, second = harness.posts(2)
    record(harness, vote(harness, "U1", first))
    harness.bot.loop.close_round(WORKSPACE)
    assert thanked(harness) == [], "the round was open"
    record(harness, vote(harness, "U1", second))
    record(harness, vote(harness, "U1", first, "football"))
    record(harness, vote(harness, "U2", second))
    assert sorted(thanked(harness)) == [("U1", 1), ("U2", 1)]
    (third,) = harness.posts(1)
    harness.bot.loop.close_round(WORKSPACE)
    record(harness, vote(harness, "U1", third))
    record(harness, vote(harness, "U1", second, "rocket"))
    assert thanked(harness)[2:] == [("U1", 2)]


def test_a_late_vote_on_a_post_with_votes_that_scored_is_thanked_and_those_are_not(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    record(harness, vote(harness, "U1", ts))
    harness.bot.loop.close_round(WORKSPACE)
    record(harness, vote(harness, "U2", ts))
    record(harness, vote(harness, "U1", ts, "pizza::skin-tone-2"))
    assert (scored(harness), thanked(harness)) == ({"U1": 1}, [("U2", 1)])


def test_who_was_thanked_before_keeps_nobody_else_from_it(harness: Harness) -> None:
    first, second = harness.posts(2)
    harness.bot.loop.close_round(WORKSPACE)
    record(harness, vote(harness, "U1", first))
    assert thanked(harness) == [("U1", 1)]
    for user in ("U1", "U2"):
        record(harness, vote(harness, user, second))
    assert thanked(harness) == [("U1", 1), ("U2", 1)]


def test_what_is_no_late_vote_is_not_thanked(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.bot.loop.close_round(WORKSPACE)
    record(harness, vote(harness, "U1", ts, added=False))
    record(harness, vote(harness, "U2", ts, "eyes"))
    record(harness, vote(harness, "U3", "1700000000.000001"))
    record(harness, vote(harness, "U4", ts, "no-such-tag", source=Source.MENU))
    record(harness, vote(harness, "U5", ts))
    record(harness, vote(harness, "U5", ts, added=False))  # taken back before anybody read it
    assert thanked(harness) == []
    record(harness, vote(harness, "U1", ts, "food", source=Source.MENU))
    assert thanked(harness) == [("U1", 1)]


def test_a_late_vote_teaches_and_does_not_score(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.bot.loop.close_round(WORKSPACE)
    for user in ("U1", "U2"):
        record(harness, vote(harness, user, ts))
    thanked(harness)
    assert all(news["teaches"] for _, news in harness.chat.whispers)
    assert harness.bot.game.leaderboard(WORKSPACE, "1").standings == ()
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        assert post is not None
        assert tx.verdicts.latest([post.id])[post.id].tags == {"food": 1.0}


def test_thanks_for_a_vote_on_an_expired_post_do_not_say_that_it_teaches(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    (ts,) = harness.posts(1)
    record(harness, vote(harness, "U1", ts))
    harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(days=60)
    PersonalData(harness.bot.store, harness.clock).expire(WORKSPACE, 40)
    record(harness, vote(harness, "U2", ts))
    thanked(harness)
    assert [(user, news["teaches"]) for user, news in harness.chat.whispers] == [("U2", False)]
    harness.bot.close()


def test_thanks_that_slack_refuses_are_let_go(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(seconds=1)
    harness.deliver()
    record(harness, vote(harness, "U1", ts))
    harness.settle()
    harness.chat.faults = [ChatError("user_not_in_channel", "gone")]
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.outbox.parked() == []


def test_posts_that_are_still_queued_when_a_round_is_frozen_are_the_next_rounds(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    record(harness, vote(harness, "U1", ts))
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2, start=1))
    harness.bot.loop.ask(WORKSPACE, 2)
    harness.bot.loop.close_round(WORKSPACE)
    harness.clock.advance(seconds=1)
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [len(tx.posts.in_round(number)) for number in (1, 2)] == [1, 2]
        (late, _) = tx.posts.in_round(2)
    assert late.ts is not None
    record(harness, vote(harness, "U1", late.ts))
    assert thanked(harness) == []
    harness.bot.loop.close_round(WORKSPACE)
    assert scored(harness, 2) == {"U1": 1}
