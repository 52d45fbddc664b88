"""What happens to a channel: the events that Slack sends about it, and what its API answers from then on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tierbot.sandbox.kit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ABOUT = ("archive", "unarchive", "deleted", "rename", "left")
EVENTS = frozenset(
    {
        "member_joined_channel",
        "member_left_channel",
        "channel_id_changed",
        *(f"{kind}_{what}" for kind in ("channel", "group") for what in ABOUT),
    }
)


@pytest.fixture
def desk(desks: Callable[..., Any]) -> Any:
    """Return a sandbox whose app listens to everything about channels; `heard` are the events."""
    made = desks(Settings(events=EVENTS))
    made.heard = []
    made.box.events._courier = SimpleNamespace(
        event=lambda body: made.heard.append(body["event"]), not_sent=lambda *_: None
    )
    return made


def act(desk: Any, call: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.raw(f"/control/{call}", json=body).json()
    assert found["ok"], found
    return found


def told(desk: Any) -> list[tuple[str, object]]:
    """Return the type and the channel of each event since the last time."""
    events = [(event["type"], event.get("channel")) for event in desk.heard]
    desk.heard.clear()
    return events


def test_a_removed_bot_hears_of_it_and_can_post_again_once_it_is_invited(desk: Any) -> None:
    bot = desk.box.bot.id
    act(desk, "leave", user=bot)
    assert told(desk) == [("member_left_channel", desk.channel), ("channel_left", desk.channel)]
    assert desk.error("chat.postMessage", channel=desk.channel, text="x") == "not_in_channel"
    assert desk.error("conversations.history", channel=desk.channel) == "not_in_channel"
    act(desk, "join", user=bot)
    assert told(desk) == [("member_joined_channel", desk.channel)]
    desk.post()


def test_a_channel_that_is_private_is_unknown_to_a_removed_bot(desk: Any) -> None:
    ts = desk.post()
    act(desk, "private")
    desk.post()
    act(desk, "leave", user=desk.box.bot.id)
    assert told(desk)[-1] == ("group_left", desk.channel)
    at = {"channel": desk.channel, "timestamp": ts}
    assert desk.error("chat.postMessage", channel=desk.channel, text="x") == "channel_not_found"
    assert desk.error("chat.update", channel=desk.channel, ts=ts, text="x") == "channel_not_found"
    assert desk.error("reactions.get", **at) == "channel_not_found"
    assert desk.error("reactions.add", **at, name="pizza") == "channel_not_found"


@pytest.mark.parametrize(("private", "kind"), [(False, "channel"), (True, "group")])
def test_archiving_unarchiving_and_deleting_are_told_once_each(desk: Any, private: bool, kind: str) -> None:
    act(desk, "private", private=private)
    for _ in range(2):
        act(desk, "archive")
    assert desk.error("chat.postMessage", channel=desk.channel, text="x") == "is_archived"
    act(desk, "archive", archived=False)
    desk.post()
    act(desk, "delete_channel")
    assert told(desk) == [(f"{kind}_{what}", desk.channel) for what in ("archive", "unarchive", "deleted")]
    assert desk.error("chat.postMessage", channel=desk.channel, text="x") == "channel_not_found"


def test_a_changed_id_is_told_and_the_old_one_is_unknown(desk: Any) -> None:
    ts, old = desk.post(), desk.channel
    new = act(desk, "change_id")["channel"]["id"]
    (event,) = desk.heard
    assert (event["type"], event["old_channel_id"], event["new_channel_id"]) == ("channel_id_changed", old, new)
    assert desk.error("chat.postMessage", channel=old, text="x") == "channel_not_found"
    assert desk.error("reactions.get", channel=old, timestamp=ts) == "channel_not_found"
    assert desk.call("reactions.get", channel=new, timestamp=ts)["message"]["ts"] == ts
    act(desk, "react", user="bob", ts=ts, name="pizza")
    assert desk.call("reactions.get", channel=new, timestamp=ts)["message"]["reactions"][0]["name"] == "pizza"


def test_a_rename_changes_the_name_and_nothing_else(desk: Any) -> None:
    act(desk, "rename", name="stories")
    (event,) = desk.heard
    assert (event["type"], event["channel"]["id"], event["channel"]["name"]) == (
        "channel_rename",
        desk.channel,
        "stories",
    )
    desk.post()


def test_reduced_limits_give_one_page_of_fifteen_a_minute(desk: Any) -> None:
    for _ in range(20):
        desk.post()
    act(desk, "faults", reduced_history=True)

    def ask(method: str, **more: Any) -> Any:
        return desk.raw(
            f"/api/{method}",
            json={"channel": desk.channel, "limit": 200, **more},
            headers={"Authorization": "Bearer xoxb-sandbox-bot"},
        )

    first = ask("conversations.history").json()
    assert (len(first["messages"]), first["has_more"]) == (15, True)
    refused = ask("conversations.history")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    thread = ask("conversations.replies", ts=first["messages"][0]["ts"])
    assert thread.status_code == 200, "each method has a minute of its own"
    act(desk, "clock", advance=59)
    assert ask("conversations.history").headers["retry-after"] == "1"
    act(desk, "clock", advance=1)
    second = ask("conversations.history", cursor=first["response_metadata"]["next_cursor"]).json()
    assert (len(second["messages"]), second["has_more"]) == (5, False)
    desk.post()  # other methods go on
