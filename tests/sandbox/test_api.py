"""The Web API's refusals, one by one, as Slack makes them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.conftest import JUNK
from tierbot.sandbox.api import METHODS, Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Message
from tierbot.sandbox.kit.settings import Settings
from tierbot.sandbox.server import build_app

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

PLAIN = {"type": "plain_text", "text": "x"}
MRKDWN = {"type": "mrkdwn", "text": "x"}


def test_tokens_are_told_apart(desk: Any) -> None:
    assert desk.error("auth.test", token=None) == "not_authed"
    assert desk.error("auth.test", token="xoxb-other") == "invalid_auth"
    assert desk.error("chat.postMessage", token="xapp-sandbox-app") == "not_allowed_token_type"
    assert desk.error("apps.connections.open") == "not_allowed_token_type"
    assert desk.call("apps.connections.open", token="xapp-sandbox-app")["url"].endswith(desk.box.app_id)
    assert desk.error("no.such") == "unknown_method"
    desk.box.revoke_token()
    assert desk.error("auth.test") == "token_revoked"


def test_a_missing_scope_is_named(desks: Callable[..., Any]) -> None:
    desk = desks(Settings(scopes=frozenset({"chat:write"})))
    answer = desk.call("reactions.add", channel=desk.channel, timestamp="1.1", name="pizza")
    assert (answer["error"], answer["needed"], answer["provided"]) == ("missing_scope", "reactions:write", "chat:write")
    assert desk.error("conversations.history", channel=desk.channel) == "missing_scope"


def test_arguments_come_as_a_form_too(desk: Any) -> None:
    blocks = json.dumps([{"type": "divider"}])
    form = {"token": "xoxb-sandbox-bot", "channel": desk.channel, "text": "hi", "blocks": blocks}
    answer = desk.raw("/api/chat.postMessage", data=form).json()
    assert answer["ok"]
    assert answer["message"]["blocks"][0]["type"] == "divider"


def test_messages_have_their_limits(desk: Any) -> None:
    to = {"channel": desk.channel}
    assert desk.error("chat.postMessage", **to) == "no_text"
    assert desk.error("chat.postMessage", **to, text="x" * 40_001) == "msg_too_long"
    assert desk.error("chat.postMessage", channel="C0NOWHERE", text="x") == "channel_not_found"
    assert desk.error("chat.postMessage", **to, text="x", metadata={"event_type": "a"}) == "invalid_metadata_format"
    assert desk.error("chat.postMessage", **to, text="x", thread_ts="1.1") == "thread_not_found"
    private = desk.box.workspace.add_channel("secret", private=True)
    public = desk.box.workspace.add_channel("elsewhere")
    assert desk.error("chat.postMessage", channel=private.id, text="x") == "channel_not_found"
    assert desk.error("chat.postMessage", channel=public.id, text="x") == "not_in_channel"
    desk.box.workspace.archive(desk.channel)
    assert desk.error("chat.postMessage", **to, text="x") == "is_archived"


def test_only_ones_own_messages_are_changed(desk: Any) -> None:

    theirs = desk.box.workspace.post(Message(desk.channel, desk.bob, "mine"))
    to = {"channel": desk.channel, "ts": theirs.ts}
    assert desk.error("chat.update", **to, text="x") == "cant_update_message"
    assert desk.error("chat.delete", **to) == "cant_delete_message"
    ts = desk.post(blocks=[{"type": "divider"}])
    changed = desk.call("chat.update", channel=desk.channel, ts=ts, text="new")["message"]
    assert changed["text"] == "new"
    assert changed["blocks"]
    assert changed["edited"]["user"] == desk.box.bot.id
    assert desk.call("chat.delete", channel=desk.channel, ts=ts)["ok"]
    assert desk.error("chat.delete", channel=desk.channel, ts=ts) == "message_not_found"


def test_reactions_are_refused_as_slack_refuses_them(desk: Any) -> None:
    ts = desk.post()
    to = {"channel": desk.channel, "timestamp": ts}
    assert desk.error("reactions.add", **to, name="no_such_emoji") == "invalid_name"
    assert desk.error("reactions.add", **to, name="pizza::skin-tone-2") == "invalid_name"
    assert desk.error("reactions.add", **to, name=":pizza:") == "invalid_name"
    assert desk.error("reactions.add", channel=desk.channel, timestamp="x", name="pizza") == "bad_timestamp"
    assert desk.error("reactions.add", channel=desk.channel, timestamp="1.1", name="pizza") == "message_not_found"
    assert desk.error("reactions.add", channel=desk.channel, name="pizza") == "no_item_specified"
    assert desk.call("reactions.add", **to, name="+1::skin-tone-4")["ok"]
    assert desk.error("reactions.add", **to, name="+1::skin-tone-4") == "already_reacted"
    assert desk.error("reactions.remove", **to, name="pizza") == "no_reaction"


def test_a_message_takes_23_emoji_and_tones_of_one_count_once(desk: Any) -> None:
    ts = desk.post()
    names = [
        "+1",
        "+1::skin-tone-2",
        *(f"clock{hour}" for hour in range(1, 13)),
        *(f"clock{hour}30" for hour in range(1, 11)),
    ]
    ada = desk.box.add_colleague("ada").id
    for index, name in enumerate(names):
        desk.box.workspace.react((desk.bob, ada)[index % 2], desk.channel, ts, name)
    answer = desk.call("reactions.add", channel=desk.channel, timestamp=ts, name="pizza")
    assert answer["error"] == "too_many_emoji"
    assert desk.call("reactions.add", channel=desk.channel, timestamp=ts, name="clock1")["ok"]


def test_reactions_get_cuts_users_short_unless_it_is_asked_for_all(desk: Any) -> None:
    ts = desk.post()
    for number in range(60):
        user = desk.box.add_colleague(f"user{number}")
        desk.box.workspace.react(user.id, desk.channel, ts, "pizza")
    to = {"channel": desk.channel, "timestamp": ts}
    short = desk.call("reactions.get", **to)["message"]["reactions"][0]
    assert (len(short["users"]), short["count"]) == (50, 60)
    full = desk.call("reactions.get", **to, full=True)["message"]["reactions"][0]
    assert (len(full["users"]), full["count"]) == (60, 60)
    desk.box.faults.change({"cut_users": 3})
    cut = desk.call("reactions.get", **to, full=True)["message"]["reactions"][0]
    assert (len(cut["users"]), cut["count"]) == (3, 60)


def test_history_comes_in_pages_newest_first_with_metadata_on_request(desk: Any) -> None:
    metadata = {"event_type": "post", "event_payload": {"id": 7}}
    stamps = [desk.post(text=str(n), metadata=metadata) for n in range(5)]
    first = desk.call("conversations.history", channel=desk.channel, limit=2)
    assert [item["ts"] for item in first["messages"]] == stamps[:2:-1]
    assert first["has_more"]
    assert "metadata" not in first["messages"][0]
    cursor = first["response_metadata"]["next_cursor"]
    rest = desk.call("conversations.history", channel=desk.channel, cursor=cursor, include_all_metadata=True)
    assert [item["ts"] for item in rest["messages"]] == stamps[2::-1]
    assert rest["messages"][0]["metadata"] == metadata
    since = desk.call("conversations.history", channel=desk.channel, oldest=stamps[3], inclusive=True)
    assert len(since["messages"]) == 2


def test_threads_stay_out_of_history_and_in_replies(desk: Any) -> None:
    root = desk.post()
    reply = desk.post(thread_ts=root)
    history = desk.call("conversations.history", channel=desk.channel)["messages"]
    assert [item["ts"] for item in history] == [root]
    assert history[0]["reply_count"] == 1
    replies = desk.call("conversations.replies", channel=desk.channel, ts=root)["messages"]
    assert [item["ts"] for item in replies] == [root, reply]


def test_half_a_character_does_no_harm(desk: Any) -> None:
    headers = {"Authorization": "Bearer xoxb-sandbox-bot", "Content-Type": "application/json"}
    body = f'{{"channel": "{desk.channel}", "text": "a\\ud800b \\ud83c\\udf55"}}'
    assert desk.raw("/api/chat.postMessage", content=body, headers=headers).json()["message"]["text"] == "a?b 🍕"
    assert desk.call("conversations.history", channel=desk.channel)["ok"]


def test_a_direct_conversation_is_opened_once(desk: Any) -> None:
    first = desk.call("conversations.open", users=desk.bob)
    again = desk.call("conversations.open", users=desk.bob)
    assert again["already_open"]
    assert again["channel"]["id"] == first["channel"]["id"]
    assert desk.call("chat.postMessage", channel=desk.bob, text="hi")["channel"] == first["channel"]["id"]
    assert desk.error("conversations.open", users="U0NOBODY") == "user_not_found"
    assert desk.error("users.info", user="U0NOBODY") == "user_not_found"


def test_a_trigger_opens_one_modal_within_three_seconds(desk: Any) -> None:
    view = {"type": "modal", "title": PLAIN, "blocks": [{"type": "section", "text": MRKDWN}]}
    trigger = desk.box.triggers.issue(desk.bob)
    assert desk.error("views.open", trigger_id=trigger, view={"type": "modal"}) == "invalid_arguments"
    fresh = desk.box.triggers.issue(desk.bob)
    assert desk.call("views.open", trigger_id=fresh, view=view)["view"]["id"].startswith("V")
    assert desk.error("views.open", trigger_id=fresh, view=view) == "exchanged_trigger_id"
    assert desk.error("views.open", trigger_id="1.2.x", view=view) == "invalid_trigger_id"
    late = desk.box.triggers.issue(desk.bob)
    desk.box.clock.advance(3.1)
    assert desk.error("views.open", trigger_id=late, view=view) == "expired_trigger_id"


def test_a_response_url_is_good_for_five_answers_in_half_an_hour(desk: Any) -> None:
    reply = desk.box.replies.issue(desk.bob, desk.channel)
    path = f"/response/{reply.token}"
    codes = [desk.raw(path, json={"text": "hi"}).status_code for _ in range(6)]
    assert codes == [200] * 5 + [404]
    late = desk.box.replies.issue(desk.bob, desk.channel)
    desk.box.clock.advance(1801)
    assert desk.raw(f"/response/{late.token}", json={"text": "hi"}).json()["error"] == "expired_url"


def test_an_upload_that_breaks_off_is_a_line_and_no_traceback(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    promised = desk.call("files.getUploadURLExternal", filename="chart.png", length=3)
    path = urlsplit(promised["upload_url"]).path
    arriving: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"p", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    asyncio.run(build_app(desk.box)(scope, receive, send))
    assert sent[0]["status"] == 400
    assert capsys.readouterr().err == f"POST {path} broke off before its end.\n"
    assert desk.raw(path, content=b"png").status_code == 200, "it can be sent again"


def test_an_uploaded_picture_is_shared_and_usable_once_processed(desk: Any) -> None:
    promised = desk.call("files.getUploadURLExternal", filename="chart.png", length=3)
    file_id = promised["file_id"]
    assert desk.error("files.completeUploadExternal", files=[{"id": file_id}]) == "file_not_found"
    assert desk.raw(promised["upload_url"], content=b"png").status_code == 200
    done = desk.call("files.completeUploadExternal", files=[{"id": file_id, "title": "Chart"}], channel_id=desk.channel)
    assert done["files"][0]["title"] == "Chart"
    image = {"type": "image", "slack_file": {"id": file_id}, "alt_text": "chart"}
    assert desk.error("chat.postMessage", channel=desk.channel, text="x", blocks=[image]) == "invalid_blocks"
    desk.box.clock.advance(1)
    assert desk.call("chat.postMessage", channel=desk.channel, text="x", blocks=[image])["ok"]
    assert desk.call("files.info", file=file_id)["file"]["mimetype"] == "image/png"


def test_limits_answer_429_with_the_seconds_to_wait(desks: Callable[..., Any]) -> None:
    desk = desks(Settings(limits=True))
    headers = {"Authorization": "Bearer xoxb-sandbox-bot"}
    answers = [desk.raw("/api/users.list", headers=headers) for _ in range(21)]
    assert [item.status_code for item in answers] == [200] * 20 + [429]
    assert answers[-1].headers["retry-after"] == "3"
    desk.box.clock.advance(3)
    assert desk.raw("/api/users.list", headers=headers).status_code == 200


def test_errors_of_blocks_name_the_place(desk: Any) -> None:
    answer = desk.call("chat.postMessage", channel=desk.channel, blocks=[{"type": "section"}])
    assert answer["error"] == "invalid_blocks"
    assert "/blocks/0" in answer["response_metadata"]["messages"][0]


def test_faults_strike_calls(desk: Any) -> None:
    headers = {"Authorization": "Bearer xoxb-sandbox-bot"}
    body = {"channel": desk.channel, "text": "x"}

    def attempt() -> httpx.Response:
        return desk.raw("/api/chat.postMessage", json=body, headers=headers)

    desk.box.faults.change({"api_429": 1.0, "retry_after": 7})
    assert (attempt().status_code, attempt().headers["retry-after"]) == (429, "7")
    desk.box.faults.change({"api_429": 0, "api_500": 1.0})
    assert attempt().status_code == 500
    assert len(desk.box.home_channel.messages) == 0
    desk.box.faults.change({"api_500": 0, "api_lost_answer": 1.0})
    assert attempt().status_code == 502
    assert len(desk.box.home_channel.messages) == 1
    desk.box.faults.change({"methods": ["users.info"]})
    assert attempt().status_code == 200
    with pytest.raises(ValueError, match="unknown fault"):
        desk.box.faults.change({"gremlins": 1})
    with pytest.raises(ValueError, match="between 0 and 1"):
        desk.box.faults.change({"lost_ack": 2})


def test_the_control_api_refuses_other_web_pages_and_asks_for_its_token(desk: Any, desks: Callable[..., Any]) -> None:
    body = {"user": "bob", "text": "hi"}
    assert desk.raw("/control/message", json=body, headers={"Origin": "https://evil.example"}).status_code == 403
    assert desk.raw("/control/message", json=body, headers={"Host": "rebound.example"}).status_code == 403
    assert (
        desk.raw("/control/message", content=json.dumps(body), headers={"Content-Type": "text/plain"}).status_code
        == 400
    )
    assert desk.raw("/control/message", json=body).status_code == 200
    guarded = desks(Settings(control_token="s3cret"))
    assert guarded.raw("/control/message", json=body).status_code == 401
    assert guarded.raw("/control/message", json=body, headers={"Authorization": "Bearer s3cret"}).status_code == 200


def test_the_same_seed_gives_the_same_ids(desks: Callable[..., Any]) -> None:
    assert desks().box.bot.id == desks().box.bot.id
    assert desks().box.bot.id != desks(Settings(seed=1)).box.bot.id


def test_a_manifest_says_what_the_app_may_and_wants() -> None:
    manifest = {
        "display_information": {"name": "Tier"},
        "features": {
            "bot_user": {"display_name": "tier"},
            "slash_commands": [{"command": "/hi", "description": "greets"}],
            "shortcuts": [{"name": "Why", "type": "message", "callback_id": "why", "description": "x"}],
        },
        "oauth_config": {"scopes": {"bot": ["chat:write"]}},
        "settings": {"event_subscriptions": {"bot_events": ["reaction_added"]}},
    }
    settings = Settings().with_manifest(manifest)
    assert (settings.app_name, settings.bot_name) == ("Tier", "tier")
    assert settings.scopes == {"chat:write"}
    assert settings.events == {"reaction_added"}
    assert [item.name for item in settings.commands] == ["/hi"]
    assert [item.callback_id for item in settings.shortcuts] == ["why"]


ARGUMENTS = [
    "channel",
    "user",
    "users",
    "users_id",
    "user_id",
    "ts",
    "timestamp",
    "message_ts",
    "thread_ts",
    "name",
    "text",
    "blocks",
    "attachments",
    "metadata",
    "view",
    "view_id",
    "trigger_id",
    "limit",
    "cursor",
    "oldest",
    "latest",
    "types",
    "files",
    "file",
    "filename",
    "length",
    "channels",
    "full",
    "inclusive",
    "bot",
]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_method_falls_over_junk(method: str, desks: Callable[..., Any]) -> None:
    desk = desks()
    known = {"channel": desk.channel, "ts": desk.post(), "user": desk.bob, "user_id": desk.bob, "text": "x"}
    known |= {"timestamp": known["ts"], "message_ts": known["ts"], "name": "pizza", "filename": "x.png", "length": 3}
    for junk in JUNK:
        for argument in ARGUMENTS:
            try:
                answer = METHODS[method].handler(desk.box, Args({**known, argument: junk}))
            except SlackError as error:
                answer = error.body()
            json.dumps(answer)
