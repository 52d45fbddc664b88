"""Reconciliation: newest first, within the rate limits, resumable, and quiet where Slack cannot tell."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.use_cases.delivery.channels import MOVED, ChannelNews
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Job, RateLimitedError, ReactionCount
from tierbot.use_cases.voting import reconciling
from tierbot.use_cases.voting.reconciling import reconcile_soon


@pytest.fixture
def asked(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ts of the messages that Slack was asked about, in order."""
    seen: list[str] = []
    ask = harness.chat.reactions

    def reactions(channel: str, ts: str) -> list[ReactionCount] | None:
        seen.append(ts)
        return ask(channel, ts)

    monkeypatch.setattr(harness.chat, "reactions", reactions)
    return seen


def due(harness: Harness) -> Job:
    return harness.job("reconcile")


def test_the_newest_posts_come_first_and_a_rate_limit_is_waited_for_without_starting_over(
    harness: Harness, asked: list[str]
) -> None:
    newest = sorted(harness.posts(4), reverse=True)
    answers = iter([None, None, RateLimitedError("reactions.get", 40)])

    def faults() -> None:
        if fault := next(answers, None):
            raise fault

    harness.chat._fault = faults  # type: ignore[method-assign]
    harness.do("reconcile")
    assert asked == newest[:3]
    assert (due(harness).due_at - harness.clock.now()).total_seconds() == 40
    harness.clock.advance(seconds=40)
    harness.do("reconcile")
    assert asked == [*newest[:3], *newest[2:]], "the third is asked about again, then the fourth"
    assert (due(harness).due_at - harness.clock.now()).total_seconds() == 15 * 60
    assert due(harness).payload == {}


def test_many_posts_are_compared_a_slice_at_a_time_and_none_is_left_out(
    harness: Harness, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_SLICE", 3)
    newest = sorted(harness.posts(8), reverse=True)
    for slices in range(3):
        assert len(asked) == 3 * slices
        harness.do("reconcile")
    assert asked == newest
    assert due(harness).payload == {}


def test_a_message_without_an_answer_is_asked_about_once_more_after_the_others(
    harness: Harness, asked: list[str]
) -> None:
    newest = sorted(harness.posts(3), reverse=True)
    harness.chat.faults = [ChatUnavailableError("502")]
    harness.do("reconcile")
    assert asked == newest
    harness.chat.faults = [ChatUnavailableError("502")]
    harness.do("reconcile")
    assert asked == [*newest, newest[0]]
    assert due(harness).payload == {}, "the next sweep finds it"


def test_a_slack_that_does_not_answer_at_all_is_left_in_peace(harness: Harness, asked: list[str]) -> None:
    harness.posts(9)
    harness.chat.faults = [ChatUnavailableError("502")] * 9
    harness.do("reconcile")
    assert len(asked) == 3
    assert (due(harness).due_at - harness.clock.now()).total_seconds() == 30


def test_an_api_without_reactions_get_is_warned_of_once(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    harness.posts(3)
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        harness.chat.faults = [ChatError("unknown_method", "reactions.get: Slack says unknown_method.")]
        harness.do("reconcile")
        harness.chat.faults = []
    assert [record.message for record in caplog.records if "cannot be found" in record.message] == [
        "Reactions missed while tierbot is down cannot be found: reactions.get: Slack says unknown_method."
    ]


def test_a_new_connection_during_a_comparison_lets_it_begin_again_at_once(harness: Harness) -> None:
    harness.posts(2)
    compare = harness.chat.reactions

    def slow(channel: str, ts: str) -> list[ReactionCount] | None:
        harness.clock.advance(seconds=5)
        reconcile_soon(harness.bot.store, harness.clock, WORKSPACE)
        return compare(channel, ts)

    harness.chat.reactions = slow  # type: ignore[method-assign]
    harness.do("reconcile")
    again = due(harness)
    assert (again.due_at, again.payload) == (harness.clock.now(), {})


def test_a_revoked_token_holds_the_outbox_and_nothing_is_lost(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2))
    assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    harness.chat.faults = [ChatError("token_revoked", "Install the app again.")]
    harness.deliver()
    assert harness.chat.posts == {}
    harness.clock.advance(minutes=6)
    harness.deliver()
    assert len(harness.chat.posts) == 2
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.outbox.parked() == []


def test_a_delivery_that_trips_our_own_code_is_parked_at_last_and_the_others_go_out(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.bot.loop.take_in(WORKSPACE, harness.articles(2))
    assert harness.bot.loop.ask(WORKSPACE, 2) == 2
    send, poisoned = harness.chat.post, []

    def post(view, delivery_id):
        poisoned.append(view.article.id)
        if view.article.id == poisoned[0]:
            raise KeyError("a bug")
        return send(view, delivery_id)

    monkeypatch.setattr(harness.chat, "post", post)
    for _ in range(12):
        harness.deliver()
        harness.clock.advance(minutes=11)
    assert len(harness.chat.posts) == 1
    with harness.bot.store.read(WORKSPACE) as tx:
        assert "KeyError" in {delivery.error.split(":")[0] for delivery in tx.outbox.parked() if delivery.error}


def test_a_comparison_can_wait_until_a_limit_ends(harness: Harness) -> None:
    later = harness.clock.now() + timedelta(seconds=40)
    reconcile_soon(harness.bot.store, harness.clock, WORKSPACE, later)
    assert harness.job("reconcile").due_at == later
    reconcile_soon(harness.bot.store, harness.clock, WORKSPACE, harness.clock.now() - timedelta(minutes=1))
    assert harness.job("reconcile").due_at == harness.clock.now()


def test_a_comparison_during_which_the_channel_moves_to_a_new_id_closes_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.posts(1)

    def moved_meanwhile(channel: str, ts: str) -> None:
        ChannelNews(harness.bot.store, harness.clock, "C1").changed_id(WORKSPACE, "C1", "C2")
        harness.do(MOVED)
        raise ChatError("channel_not_found", "Check the channel's id.")

    monkeypatch.setattr(harness.chat, "reactions", moved_meanwhile)
    harness.do("reconcile")
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {post.channel for post in tx.posts.in_round(1)} == {"C2"}
        assert tx.channels.closed() == []
