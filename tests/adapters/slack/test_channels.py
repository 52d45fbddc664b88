"""What Slack tells about channels reaches the bot before it is acknowledged; what concerns others, or is broken, does not."""

from typing import Any

import pytest
from slack_bolt import BoltContext

from tierbot.adapters.slack import channels
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.domain.tags import default_tag_space

BOT = "UBOT"


class Heard:
    """What the use case was told."""

    def __init__(self) -> None:
        self.news: list[tuple[str, ...]] = []

    def closed(self, workspace: str, channel: str, why: str) -> None:
        self.news.append(("closed", workspace, channel, why))

    def opened(self, workspace: str, channel: str) -> None:
        self.news.append(("opened", workspace, channel))

    def changed_id(self, workspace: str, old: str, new: str) -> None:
        self.news.append(("changed", workspace, old, new))


def heard(event: dict[str, Any]) -> list[tuple[str, ...]]:
    found = Heard()
    channels._record(found, "T1", event, BOT)  # type: ignore[arg-type]
    return found.news


@pytest.mark.parametrize(
    ("event", "news"),
    [
        (
            {"type": "member_left_channel", "user": BOT, "channel": "C1", "channel_type": "C"},
            ("closed", "not_in_channel"),
        ),
        (
            {"type": "member_left_channel", "user": BOT, "channel": "C1", "channel_type": "G"},
            ("closed", "channel_not_found"),
        ),
        ({"type": "channel_left", "channel": "C1"}, ("closed", "not_in_channel")),
        ({"type": "group_left", "channel": "C1"}, ("closed", "channel_not_found")),
        ({"type": "channel_archive", "channel": "C1", "user": "U1"}, ("closed", "is_archived")),
        ({"type": "group_archive", "channel": "C1"}, ("closed", "is_archived")),
        ({"type": "channel_deleted", "channel": "C1"}, ("closed", "channel_not_found")),
        ({"type": "group_deleted", "channel": "C1"}, ("closed", "channel_not_found")),
        ({"type": "channel_unarchive", "channel": "C1"}, ("opened",)),
        ({"type": "group_unarchive", "channel": "C1"}, ("opened",)),
        ({"type": "member_joined_channel", "user": BOT, "channel": "C1"}, ("opened",)),
    ],
)
def test_each_event_says_whether_the_channel_is_open(event: dict[str, Any], news: tuple[str, ...]) -> None:
    kind, *why = news
    assert heard(event) == [(kind, "T1", "C1", *why)]


def test_a_changed_id_names_both_ids() -> None:
    event = {"type": "channel_id_changed", "old_channel_id": "G1", "new_channel_id": "C1"}
    assert heard(event) == [("changed", "T1", "G1", "C1")]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "member_left_channel", "user": "U1", "channel": "C1"},
        {"type": "member_joined_channel", "user": "U1", "channel": "C1"},
        {"type": "channel_archive", "channel": {"id": "C1"}},
        {"type": "channel_archive"},
        {"type": "channel_id_changed", "old_channel_id": "C1"},
        {"type": "channel_id_changed", "old_channel_id": "C1", "new_channel_id": 7},
    ],
)
def test_other_peoples_coming_and_going_and_broken_events_are_no_news(event: dict[str, Any]) -> None:
    assert heard(event) == []


def test_an_event_that_cannot_be_recorded_is_not_acknowledged() -> None:
    registered: dict[str, Any] = {}

    class Registering:
        def event(self, kind: str, middleware: list[Any]) -> Any:
            registered[kind] = middleware[0]
            return lambda listener: listener

    class Broken(Heard):
        def closed(self, *_: str) -> None:
            raise OSError("the disk is full")

    channels.register(Registering(), Broken())  # type: ignore[arg-type]
    assert set(registered) == set(channels.NEEDS.events)
    body = {"event": {"type": "channel_archive", "channel": "C1"}}
    context = BoltContext({"team_id": "T1", "bot_user_id": BOT})
    with pytest.raises(OSError, match="disk"):
        registered["channel_archive"](body, context, lambda: None)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("not_in_channel", "I'm no longer in <#C1>. Type `/invite <@UBOT>` there"),
        ("is_archived", "<#C1> is archived. Unarchive it"),
        ("channel_not_found", "I can't find <#C1> any more"),
        ("restricted_action_thread_only_channel", "A workspace setting keeps me from posting in <#C1>"),
    ],
)
def test_admins_read_what_happened_and_what_to_do(why: str, says: str) -> None:
    said = {"kind": "channel_closed", "channel": "C1", "why": why, "waiting": 2, "bot": BOT}
    shown = str(render_announcement(said, default_tag_space()).blocks)
    assert says in shown
    assert "`/tier channel`" in shown
    assert "2 messages for this channel will go out then" in shown
