"""The real Bolt app, over the real sockets of slack_sdk, against the sandbox."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = {"type": "plain_text"}


def modal() -> dict[str, Any]:
    element = {"type": "external_select", "action_id": "tag", "min_query_length": 0}
    block = {"type": "input", "block_id": "b", "label": {**PLAIN, "text": "Tag"}, "element": element}
    return {
        "type": "modal",
        "callback_id": "name_tag",
        "title": {**PLAIN, "text": "Name the tag"},
        "submit": {**PLAIN, "text": "Save"},
        "blocks": [block],
    }


@pytest.fixture
def bot(start: Callable[..., Any]) -> Iterator[Any]:
    """Return a sandbox to which a Bolt app is connected; `seen` collects what it was told."""
    box = start("--shortcut", "Name the tag=name", "--timings", '{"interaction": 0.5, "ack": 0.5, "retries": [0, 1]}')
    app = App(client=box.web)
    box.seen, box.told = [], threading.Semaphore(0)

    def told(body: dict[str, Any], ack: Callable[..., None]) -> None:
        ack()
        box.seen.append(body["event"])
        box.told.release()

    for event in ("reaction_added", "reaction_removed"):
        app.event(event)(told)
    app.command("/leaderboard")(lambda ack, respond, command: (ack(), respond(f"top {command['text']}")))
    app.command("/myscore")(lambda ack: ack("you lead"))
    app.shortcut("name")(
        lambda ack, client, shortcut: (ack(), client.views_open(trigger_id=shortcut["trigger_id"], view=modal()))
    )
    app.options("tag")(lambda ack, payload: ack(options=[{"text": {**PLAIN, "text": payload["value"]}, "value": "f"}]))
    app.view("name_tag")(lambda ack, view: (ack(), box.seen.append(view["state"]["values"])))
    app.action("go")(lambda ack, respond: (ack(), respond("clicked", replace_original=False)))
    app.event("app_home_opened")(
        lambda event, client: client.views_publish(user_id=event["user"], view={"type": "home", "blocks": []})
    )
    # A connection that it makes again while it is closed would stay open.
    handler = SocketModeHandler(app, box.info["app_token"], auto_reconnect_enabled=False)
    handler.connect()
    yield box
    handler.close()


def test_a_reaction_reaches_the_app_as_slack_sends_it(bot: Any) -> None:
    ts = bot.post()
    assert bot.do("react", user="bob", ts=ts, name="thumbsup::skin-tone-3")["ok"]
    assert bot.told.acquire(timeout=5)
    event = bot.seen[0]
    assert event["reaction"] == "thumbsup::skin-tone-3"
    assert event["item"] == {"type": "message", "channel": bot.channel, "ts": ts}
    assert {"user", "item_user", "event_ts"} <= set(event)


def test_a_command_answers_by_response_url_and_by_its_acknowledgement(bot: Any) -> None:
    by_url = bot.do("command", user="bob", command="/leaderboard all", wait=5)
    assert [item["text"] for item in by_url["responses"]] == ["top all"]
    by_ack = bot.do("command", user="bob", command="/myscore", wait=5)
    assert [item["text"] for item in by_ack["responses"]] == ["you lead"]


def test_a_command_that_nobody_acknowledges_times_out_for_the_user(bot: Any) -> None:
    assert bot.do("command", user="bob", command="/tier", wait=1)["error"] == "operation_timeout"


def test_a_shortcut_opens_a_modal_whose_choice_is_submitted(bot: Any) -> None:
    opened = bot.do("shortcut", user="ada", callback_id="name", ts=bot.post(), wait=5)
    view_id = opened["views"][0]["id"]
    offered = bot.do("suggest", user="ada", view_id=view_id, action_id="tag", value="foo")
    assert offered["options"][0]["text"]["text"] == "foo"
    assert bot.do("submit", user="ada", view_id=view_id)["error"] == "missing_required_input"
    assert bot.do("submit", user="ada", view_id=view_id, values={"tag": "f"})["acked"]
    assert bot.see("inbox", user="ada")["views"] == []


def test_a_click_is_answered(bot: Any) -> None:
    button = {"type": "button", "action_id": "go", "text": {**PLAIN, "text": "Go"}}
    ts = bot.post(blocks=[{"type": "actions", "elements": [button]}])
    assert bot.do("action", user="ada", ts=ts, action_id="go", wait=5)["responses"][0]["text"] == "clicked"


def test_opening_app_home_lets_the_app_publish_it(bot: Any) -> None:
    assert bot.do("home", user="ada", wait=5)["view"]["type"] == "home"


def test_a_lost_acknowledgement_brings_the_event_again(bot: Any) -> None:
    ts = bot.post()
    bot.do("faults", lost_ack=1.0)
    bot.do("react", user="bob", ts=ts, name="pizza")
    assert bot.told.acquire(timeout=5)
    assert bot.told.acquire(timeout=5)
    assert bot.seen[0] == bot.seen[1]


def test_every_disconnect_reason_is_survived(bot: Any) -> None:
    ts = bot.post()
    for reason in ("warning", "refresh_requested", "link_disabled"):
        bot.do("sockets", do="disconnect", reason=reason)
        bot.do("react", user="bob", ts=ts, name="pizza")
        assert bot.told.acquire(timeout=15)
        bot.do("unreact", user="bob", ts=ts, name="pizza")
        assert bot.told.acquire(timeout=15)
