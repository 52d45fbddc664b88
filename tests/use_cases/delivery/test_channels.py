"""A closed channel: what waits, who is told, and what a changed id takes along."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.use_cases.delivery.channels import CLOSED, MOVED, ChannelNews, closes, waiting_in
from tierbot.use_cases.ports import (
    ChatError,
    ChatUnavailableError,
    ClosedChannel,
    Delivery,
    DeliveryKind,
    DeliveryState,
)

NOT_IN_CHANNEL = ChatError("not_in_channel", "Invite the bot.")


def news(harness: Harness) -> ChannelNews:
    return ChannelNews(harness.bot.store, harness.clock, "C1")


def ask(harness: Harness, count: int) -> None:
    with harness.bot.store.read(WORKSPACE) as tx:
        start = tx.articles.count()
    harness.bot.loop.take_in(WORKSPACE, harness.articles(count, start=start))
    assert harness.bot.loop.ask(WORKSPACE, count) == count


def closed(harness: Harness) -> list[tuple[ClosedChannel, int]]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return waiting_in(tx, "C1")


def unsent(harness: Harness) -> list[Delivery]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return tx.outbox.unsent()


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    built = build_harness(tmp_path, admins=("UADA",))
    yield built
    built.bot.close()


def tell(harness: Harness) -> list[Mapping[str, Any]]:
    """Do the jobs that tell the admins; return everything they were told by now."""
    harness.do(CLOSED)
    harness.deliver()
    return [one for one in harness.chat.announcements if one["kind"] == CLOSED]


def test_a_refused_post_waits_and_is_tried_once_a_minute_however_many_wait(harness: Harness) -> None:
    ask(harness, 3)
    refusals = [NOT_IN_CHANNEL] * 9
    harness.chat.faults = list(refusals)
    harness.deliver()
    assert len(harness.chat.faults) == len(refusals) - 1, "one call"
    for _ in range(4):
        harness.clock.advance(seconds=61)
        harness.deliver()
    assert len(harness.chat.faults) == len(refusals) - 5, "one a minute"
    assert {(one.state, one.failures) for one in unsent(harness)} == {(DeliveryState.PENDING, 0)}
    ((channel, waiting),) = closed(harness)
    assert (channel.channel, channel.why, waiting) == ("C1", "not_in_channel", 3)
    harness.chat.faults = []
    harness.clock.advance(seconds=61)
    harness.deliver()
    assert len(harness.chat.posts) == 3, "no event was needed"
    assert closed(harness) == []
    assert harness.job("reconcile").due_at <= harness.clock.now(), "reactions were missed"


def test_messages_to_people_and_other_channels_go_on(harness: Harness) -> None:
    news(harness).closed(WORKSPACE, "C1", "is_archived")
    ask(harness, 1)
    now = harness.clock.now()
    rest = [Delivery(f"o{n}", DeliveryKind.ANNOUNCE, n, {"kind": "nudge"}, now, now) for n in ("DU1", "C2")]
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.outbox.add(rest)
    harness.deliver()
    assert len(harness.chat.announcements) == 2
    assert harness.chat.posts == {}


def test_admins_are_told_once_until_the_channel_is_open_again(harness: Harness) -> None:
    for _ in range(3):  # two events of Slack's, and a refusal
        news(harness).closed(WORKSPACE, "C1", "not_in_channel")
    ask(harness, 2)
    (said,) = tell(harness)
    assert (said["channel"], said["why"], said["bot"]) == ("C1", "not_in_channel", "UBOT")
    assert harness.jobs(CLOSED) == []
    harness.clock.advance(hours=1)
    news(harness).opened(WORKSPACE, "C1")
    news(harness).closed(WORKSPACE, "C1", "not_in_channel")
    assert len(tell(harness)) == 2, "it is news again"


def test_nobody_is_told_of_a_channel_that_is_open_again_or_not_ours(harness: Harness) -> None:
    news(harness).closed(WORKSPACE, "C9", "not_in_channel")
    assert harness.jobs(CLOSED) == []
    news(harness).closed(WORKSPACE, "C1", "is_archived")
    news(harness).opened(WORKSPACE, "C1")
    assert tell(harness) == []


def test_a_channel_that_slack_does_not_find_is_looked_for_among_the_bots_own(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.settle()
    ask(harness, 1)
    harness.chat.faults = [ChatError("channel_not_found", "unknown")]
    harness.deliver()
    harness.chat.moved_to = "C2"
    assert tell(harness) == [], "no need to: it has another id"
    harness.do(MOVED)
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        team, posts = tx.workspaces.get(), tx.posts.in_round(1)
        assert {post.channel for post in posts} == {"C2"}
        assert all(post.ts for post in posts)
        assert [one.user for one in tx.ledger.events("C2", ts)] == ["U1"]
        assert tx.workspaces.audit_trail(1)[0]["what"] == "change channel id"
        assert tx.channels.closed() == []
    assert team is not None
    assert team.channel == "C2"


@pytest.mark.parametrize(
    ("channel", "code", "waits"),
    [
        ("C1", "not_in_channel", True),
        ("G1", "is_archived", True),
        ("C1", "channel_not_found", True),
        ("C1", "restricted_action_read_only_channel", True),
        ("C1", "no_access", True),
        ("D1", "channel_not_found", False),
        ("C1", "msg_too_long", False),
        ("C1", "invalid_blocks", False),
    ],
)
def test_only_what_a_person_can_mend_in_a_channel_is_waited_for(channel: str, code: str, waits: bool) -> None:
    assert closes(channel, code) is waits


def test_a_message_that_is_refused_while_its_channel_moves_closes_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(harness, 1)
    post = harness.chat.post

    def moved_meanwhile(*given: Any) -> str:
        monkeypatch.setattr(harness.chat, "post", post)
        news(harness).changed_id(WORKSPACE, "C1", "C2")
        harness.do(MOVED)
        raise ChatError("channel_not_found", "Check the channel's id.")

    monkeypatch.setattr(harness.chat, "post", moved_meanwhile)
    harness.deliver()
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.channels.closed() == []
    assert tell(harness) == []
    assert [view.post.channel for view in harness.chat.posts.values()] == ["C2"]


def test_a_channel_that_changes_its_id_while_it_is_closed_is_found_too(harness: Harness) -> None:
    harness.posts(1)
    ask(harness, 1)
    harness.chat.faults = [NOT_IN_CHANNEL]
    harness.deliver()
    assert len(tell(harness)) == 1
    harness.chat.faults = [ChatError("channel_not_found", "unknown")]
    harness.clock.advance(seconds=61)
    harness.deliver()
    harness.chat.moved_to = "C2"
    assert len(tell(harness)) == 1, "it has another id: there is nothing to do"
    harness.do(MOVED)
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {post.channel for post in tx.posts.in_round(1)} == {"C2"}
        assert tx.channels.closed() == []
    assert len(harness.chat.posts) == 2


def test_a_post_that_is_found_after_its_channel_changed_its_id_keeps_the_reactions_from_before(
    harness: Harness,
) -> None:
    harness.chat.lost_answers = [ChatUnavailableError("no answer")]
    ask(harness, 1)
    harness.deliver()
    (ts,) = harness.chat.posts
    with harness.bot.store.read(WORKSPACE) as tx:
        assert [post.ts for post in tx.posts.in_round(1)] == [None], "it isn't known yet whether it was sent"
    harness.react("U1", ts, "pizza")
    news(harness).changed_id(WORKSPACE, "C1", "C2")
    harness.do(MOVED)
    harness.clock.advance(seconds=61)
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        (post,) = tx.posts.in_round(1)
        assert (post.channel, post.ts) == ("C2", ts)
        assert [one.user for one in tx.ledger.events("C2", ts)] == ["U1"]
