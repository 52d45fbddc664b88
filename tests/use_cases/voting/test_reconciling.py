"""Reconciliation: newest first, within the rate limits, resumable, and quiet where Slack cannot tell."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Stage, raise_stage
from tierbot.use_cases.jobs.schedule import reconcile
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Due, RateLimitedError, ReactionCount
from tierbot.use_cases.voting import reconciling


@pytest.fixture
def asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ts of the messages that Slack was asked about, in order."""
    seen: list[str] = []
    ask = stage.chat.reactions

    def reactions(channel: str, ts: str) -> list[ReactionCount] | None:
        seen.append(ts)
        return ask(channel, ts)

    monkeypatch.setattr(stage.chat, "reactions", reactions)
    return seen


def due(stage: Stage) -> Due:
    with stage.bot.store.read(WORKSPACE) as tx:
        found = tx.agenda.get("reconcile")
    assert found is not None
    return found


def test_the_newest_posts_come_first_and_a_rate_limit_is_waited_for_without_starting_over(
    stage: Stage, asked: list[str]
) -> None:
    newest = sorted(stage.posts(4), reverse=True)
    answers = iter([None, None, RateLimitedError("reactions.get", 40)])

    def faults() -> None:
        if fault := next(answers, None):
            raise fault

    stage.chat._fault = faults  # type: ignore[method-assign]
    reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert asked == newest[:3]
    assert (due(stage).due_at - stage.clock.now()).total_seconds() == 40
    stage.clock.advance(seconds=40)
    reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert asked == [*newest[:3], *newest[2:]], "the third is asked about again, then the fourth"
    assert (due(stage).due_at - stage.clock.now()).total_seconds() == 15 * 60
    assert due(stage).request == {}


def test_many_posts_are_compared_a_slice_at_a_time_and_none_is_left_out(
    stage: Stage, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_SLICE", 3)
    newest = sorted(stage.posts(8), reverse=True)
    for slices in range(3):
        assert len(asked) == 3 * slices
        reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert asked == newest
    assert due(stage).request == {}


def test_a_message_without_an_answer_is_asked_about_once_more_after_the_others(stage: Stage, asked: list[str]) -> None:
    newest = sorted(stage.posts(3), reverse=True)
    stage.chat.faults = [ChatUnavailableError("502")]
    reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert asked == newest
    stage.chat.faults = [ChatUnavailableError("502")]
    reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert asked == [*newest, newest[0]]
    assert due(stage).request == {}, "the next sweep finds it"


def test_a_slack_that_does_not_answer_at_all_is_left_in_peace(stage: Stage, asked: list[str]) -> None:
    stage.posts(9)
    stage.chat.faults = [ChatUnavailableError("502")] * 9
    reconcile(stage.bot.loop, WORKSPACE, due(stage))
    assert len(asked) == 3
    assert (due(stage).due_at - stage.clock.now()).total_seconds() == 30


def test_an_api_without_reactions_get_is_warned_of_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.posts(3)
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        stage.chat.faults = [ChatError("unknown_method", "reactions.get: Slack says unknown_method.")]
        reconcile(stage.bot.loop, WORKSPACE, due(stage))
        stage.chat.faults = []
    assert [record.message for record in caplog.records if "cannot be found" in record.message] == [
        "What is missed while tierbot is away cannot be found: reactions.get: Slack says unknown_method."
    ]


def test_a_new_connection_during_a_comparison_lets_it_begin_again_at_once(stage: Stage) -> None:
    stage.posts(2)
    begun = due(stage)
    stage.clock.advance(seconds=5)
    stage.bot.loop.reconcile_soon(WORKSPACE)
    asked_for = due(stage)
    reconcile(stage.bot.loop, WORKSPACE, begun)
    assert due(stage) == replace(asked_for, ran_at=due(stage).ran_at)


def test_a_revoked_token_holds_the_outbox_and_nothing_is_lost(tmp_path: Path) -> None:
    stage = raise_stage(tmp_path)
    stage.bot.loop.take_in(WORKSPACE, stage.articles(2))
    assert stage.bot.loop.ask(WORKSPACE, 2) == 2
    stage.chat.faults = [ChatError("token_revoked", "Install the app again.")]
    stage.deliver()
    assert stage.chat.posts == {}
    stage.clock.advance(minutes=6)
    stage.deliver()
    assert len(stage.chat.posts) == 2
    with stage.bot.store.read(WORKSPACE) as tx:
        assert tx.outbox.parked() == []


def test_a_delivery_that_trips_our_own_code_is_parked_at_last_and_the_others_go_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.bot.loop.take_in(WORKSPACE, stage.articles(2))
    assert stage.bot.loop.ask(WORKSPACE, 2) == 2
    send, poisoned = stage.chat.post, []

    def post(view, delivery_id):
        poisoned.append(view.article.id)
        if view.article.id == poisoned[0]:
            raise KeyError("a bug")
        return send(view, delivery_id)

    monkeypatch.setattr(stage.chat, "post", post)
    for _ in range(12):
        stage.deliver()
        stage.clock.advance(minutes=11)
    assert len(stage.chat.posts) == 1
    with stage.bot.store.read(WORKSPACE) as tx:
        assert "KeyError" in {delivery.error.split(":")[0] for delivery in tx.outbox.parked() if delivery.error}
