"""HTTP mode: only Slack's own, fresh, first requests get in; whatever else comes is refused, quietly and never by 500."""

import asyncio
import hashlib
import hmac
import json
import logging
from urllib.parse import urlencode

import httpx
import pytest

from tests.adapters.slack.conftest import SmallGame, StoppedClock, desk_of
from tests.support.fakes import KeptFigures
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import Identity, build_app
from tierbot.adapters.slack.connection.web import web_app

SECRET = "shh"
TEAM = "T1"
REACTION = {
    "type": "event_callback",
    "team_id": TEAM,
    "event_id": "Ev1",
    "authorizations": [{"team_id": TEAM, "user_id": "UBOT", "is_bot": True}],
    "event": {
        "type": "reaction_added",
        "user": "U1",
        "reaction": "pizza",
        "item": {"type": "message", "channel": "C1", "ts": "1700000000.000100"},
        "event_ts": "1700000001.000100",
    },
}


class Web:
    """The ASGI application over a game in memory, and Slack's side of it."""

    def __init__(self) -> None:
        self.game, self.clock = SmallGame(), StoppedClock()
        identity = Identity(TEAM, "Team", "UBOT", "BBOT", "xoxb-1")
        app = build_app(
            desk_of(self.game, self.clock, Admins((), self.clock), lambda _: "C1"),
            identity,
            base_url="http://127.0.0.1:9/",
        )
        self.meter = KeptFigures()
        self.seen: set[tuple[str, str]] = set()  # as the database of several processes remembers it
        self.asgi = web_app(app, SECRET, self.clock, meter=self.meter, first_time=self.first_time)

    def first_time(self, workspace: str, signature: str) -> bool:
        before, self.seen = self.seen, self.seen | {(workspace, signature)}
        return self.seen != before

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
                return await client.request(method, path, content=body, headers=headers)

        return asyncio.run(send())

    def slack(self, body: bytes, *, kind: str = "application/json", secret: str = SECRET, ago: int = 0, **more: str):
        timestamp = str(int(self.clock.now().timestamp()) - ago)
        mark = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": kind,
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": f"v0={mark}",
        } | more
        return self.ask("POST", "/slack/events", body, **headers)


@pytest.fixture
def web() -> Web:
    return Web()


def test_a_signed_reaction_is_in_the_ledger_before_it_is_acknowledged(web):
    assert web.slack(json.dumps(REACTION).encode()).status_code == 200
    assert list(web.game.ledger) == [(TEAM, "Ev1")]


def test_a_ledger_that_fails_is_answered_500_and_the_same_request_is_welcome_again(web):
    web.game.fault = RuntimeError("the disk is full")
    body = json.dumps(REACTION).encode()
    assert web.slack(body).status_code == 500
    assert web.game.ledger == {}
    assert web.slack(body).status_code == 200
    assert list(web.game.ledger) == [(TEAM, "Ev1")]


def test_slacks_check_of_the_url_is_answered(web):
    answer = web.slack(json.dumps({"type": "url_verification", "challenge": "abc", "token": "t"}).encode())
    assert (answer.status_code, "abc" in answer.text) == (200, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "forged"},
        {"ago": 301},
        {"ago": -301},
        {"x-slack-request-timestamp": "yesterday"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "9" * 13},
        {"x-slack-signature": ""},
    ],
    ids=str,
)
def test_a_forged_or_stale_request_is_refused_and_its_body_is_not_logged(web, wrong, caplog):
    caplog.set_level(logging.DEBUG)
    answer = web.slack(json.dumps(REACTION | {"secret": "body-text"}).encode(), **wrong)
    assert answer.status_code == 401
    assert not web.game.ledger
    assert "body-text" not in caplog.text
    assert "Refused" in caplog.text


def test_a_replayed_request_is_refused_but_one_that_failed_may_come_again(web):
    body = json.dumps(REACTION).encode()
    web.game.fault = RuntimeError("the disk is full")
    assert web.slack(body).status_code == 500, "Slack delivers again"
    assert web.slack(body).status_code == 200
    assert web.slack(body).status_code == 401
    assert len(web.game.deliveries) == 1


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b"", b'{"type":"event_callback","event":[]}'])
def test_a_signed_but_malformed_body_is_a_400_or_dropped_never_a_500(web, body):
    assert web.slack(body).status_code < 500
    assert not web.game.ledger


FORM = "application/x-www-form-urlencoded"
DEAD = "http://127.0.0.1:9/response"
PERSON = {"id": "U1", "username": "anna", "team_id": TEAM}
INTERACTION = {
    "user": PERSON,
    "team": {"id": TEAM, "domain": "team"},
    "channel": {"id": "C1", "name": "trending"},
    "token": "t",
    "action_ts": "1700000001.000100",
    "trigger_id": "1.2.3",
    "response_url": DEAD,
}
MESSAGE = {"type": "message", "user": "U2", "ts": "1700000000.000100", "text": "A story"}
BUTTON = {"type": "button", "action_id": "legend", "block_id": "b", "value": "1", "action_ts": "1.2"}
INTERACTIONS = [
    INTERACTION | {"type": "block_actions", "actions": [BUTTON], "message": MESSAGE, "container": {"type": "message"}},
    INTERACTION | {"type": "block_actions", "actions": [BUTTON | {"action_id": "another app's"}]},
    INTERACTION | {"type": "block_suggestion", "action_id": "tag", "block_id": "b", "value": "spo"},
    INTERACTION | {"type": "message_action", "callback_id": "why_this_tag", "message": MESSAGE, "message_ts": "1.2"},
    INTERACTION | {"type": "message_action", "callback_id": "tag_this", "message": MESSAGE, "message_ts": "1.2"},
    INTERACTION | {"type": "shortcut", "callback_id": "unknown"},
    INTERACTION | {"type": "view_submission", "view": {"callback_id": "name_the_tag", "state": {"values": {}}}},
    INTERACTION | {"type": "view_closed", "view": {"callback_id": "name_the_tag"}, "is_cleared": False},
    INTERACTION | {"type": "interactive_message", "callback_id": "old", "actions": [{"name": "a", "value": "b"}]},
    INTERACTION | {"type": "dialog_submission", "callback_id": "old", "submission": {}, "state": ""},
    INTERACTION | {"type": "workflow_step_edit", "callback_id": "old", "workflow_step": {"workflow_id": "1"}},
]
MENTION = {
    "type": "app_mention",
    "user": "U1",
    "text": "<@UBOT> A story",
    "ts": "1700000000.000100",
    "channel": "C1",
    "event_ts": "1700000000.000100",
}
COMMAND = {
    "command": "/myscore",
    "text": "",
    "team_id": TEAM,
    "user_id": "U1",
    "channel_id": "C1",
    "response_url": DEAD,
}


def without_each(payload: dict) -> list[dict]:
    """Return the payload, and copies that lack one field each."""
    return [payload, *({key: kept for key, kept in payload.items() if key != lacking} for lacking in payload)]


@pytest.mark.parametrize("payload", INTERACTIONS, ids=lambda one: f"{one['type']} {one.get('callback_id', '')}")
def test_an_interaction_of_another_app_or_without_a_field_is_no_server_error(web, payload):
    bodies = [urlencode({"payload": json.dumps(one)}).encode() for one in without_each(payload)]
    answers = {web.slack(body, kind=FORM).status_code for body in bodies}
    assert max(answers) < 500
    assert not web.game.ledger


def test_a_command_without_a_field_is_no_server_error(web):
    bodies = [urlencode(one).encode() for one in without_each(COMMAND)]
    bodies.append(urlencode(dict.fromkeys(COMMAND, "")).encode())
    assert max(web.slack(body, kind=FORM).status_code for body in bodies) < 500


@pytest.mark.parametrize("event", [MENTION, REACTION["event"]], ids=lambda one: one["type"])
def test_an_event_without_a_field_is_no_server_error_and_a_vote_only_if_it_is_whole(web, event):
    for number, one in enumerate(without_each(event)):
        body = REACTION | {"event": one, "event_id": f"Ev{number}"}
        assert web.slack(json.dumps(body).encode()).status_code < 500
    voters = [kept.user for kept in web.game.ledger.values()]
    assert voters == ([] if event is MENTION else ["U1", "U1"]), "whole, and without event_ts"


def test_a_command_from_a_workspace_without_the_app_is_acknowledged_even_if_its_response_url_is_dead(web):
    body = urlencode(COMMAND | {"team_id": "T9"}).encode()
    assert web.slack(body, kind=FORM).status_code == 200


def test_an_oversized_body_is_not_even_read_to_its_end(web):
    assert web.slack(b"x" * (1024 * 1024 + 1)).status_code == 413


def test_a_slash_command_gets_its_acknowledgement(web):
    fields = {"command": "/nosuch", "team_id": TEAM, "user_id": "U1", "text": "", "response_url": "http://127.0.0.1:9/"}
    answer = web.slack(urlencode(fields).encode(), kind="application/x-www-form-urlencoded")
    assert answer.status_code == 200


def test_a_command_that_another_process_obeyed_is_refused(web):
    fields = {
        "command": "/tier",
        "team_id": TEAM,
        "user_id": "U1",
        "text": "push 5",
        "response_url": "http://127.0.0.1:9/",
    }
    form = {"body": urlencode(fields).encode(), "kind": "application/x-www-form-urlencoded"}
    other = Web()
    other.seen = web.seen = set()
    assert other.slack(**form).status_code == 200
    web.seen = other.seen
    assert web.slack(**form).status_code == 401


def test_a_reaction_is_not_remembered_by_its_signature_but_by_its_own_id(web):
    assert web.slack(json.dumps(REACTION).encode()).status_code == 200
    assert web.seen == set()


def test_another_workspaces_events_are_not_taken(web):
    body = REACTION | {"team_id": "T2", "authorizations": [{"team_id": "T2", "user_id": "UBOT", "is_bot": True}]}
    web.slack(json.dumps(body).encode())
    assert not web.game.ledger


def test_what_came_in_is_counted_by_kind_and_its_lag_known_only_once_it_stands_in_the_ledger(web):
    web.slack(json.dumps(REACTION).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web.game, "record", _full_disk)
        web.slack(json.dumps(REACTION | {"event_id": "Ev2"}).encode())
    web.slack(json.dumps({"type": "event_callback", "team_id": TEAM, "event": {"type": "U0123456789"}}).encode())
    assert [figures[:2] for figures in web.meter.answers] == [
        ("reaction_added", True),
        ("reaction_added", False),
        ("other", True),
    ]
    assert [figures[2] is not None for figures in web.meter.answers] == [True, False, False]


def _full_disk(*_):
    raise OSError("the disk is full")


def test_requests_that_break_off_are_400_and_few_lines_in_the_log(web, caplog):
    def break_off() -> int:
        parts = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
        sent: list[dict] = []

        async def receive() -> dict:
            return parts.pop(0)

        async def send(message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/slack/events", "query_string": b"", "headers": []}
        asyncio.run(web.asgi(scope, receive, send))
        return sent[0]["status"]

    with caplog.at_level(logging.WARNING):
        assert {break_off() for _ in range(50)} == {400}
    # A thread of an earlier test may still log that nobody answers at its response_url.
    (record,) = [one for one in caplog.records if one.name == "tierbot.adapters.slack.connection.web"]
    assert record.getMessage() == "Dropped requests to /slack/events that broke off before their end: 1."
    assert record.exc_info is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"5", b"\xff", b"1" * 5_000, b"[" * 100_000, b'{"a":' * 100_000, b"payload=" + b"[" * 100_000,
        b"payload=%5B%5D", b"payload=5", b'{"type": ["x"]}', b'{"type": {}}', b'{"type": "event_callback", "event": []}',
        b'{"type": "event_callback", "team_id": {}, "event": {"type": "message"}}',
        b'{"type": "event_callback", "authorizations": [5], "event": {"type": "message"}}',
        b'{"type": "event_callback", "event": {"type": "reaction_added", "item": 5}}',
        b"payload=%7B%22type%22%3A%22view_submission%22%2C%22view%22%3A5%7D",
    ],
    ids=lambda body: body[:50].decode("latin-1"),
)  # fmt: skip
def test_a_signed_body_of_any_shape_is_no_server_error_and_no_traceback(web, caplog, body):
    with caplog.at_level(logging.INFO):
        answers = {web.slack(body, kind=kind).status_code for kind in ("application/json", FORM, "")}
    assert max(answers) < 500
    assert not [record for record in caplog.records if record.exc_info or "Traceback" in record.getMessage()]
