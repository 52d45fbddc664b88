"""Pass payloads to Bolt, and drop those that Bolt can't handle: without an acknowledgment Slack would keep resending."""

import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.socket_mode.request import SocketModeRequest

from tierbot.logs import bound
from tierbot.use_cases.ports import Meter

_log = logging.getLogger(__name__)

_IN_THE_LEDGER = ("reaction_added", "reaction_removed")
_TIMESTAMP = re.compile(r"[0-9]{1,11}\.[0-9]{1,6}", re.ASCII)
OTHER = "other"
_KINDS = frozenset(
    {
        "reaction_added",
        "reaction_removed",
        "app_home_opened",
        "app_uninstalled",
        "tokens_revoked",
        "message",
        "app_mention",
        "app_rate_limited",
        "emoji_changed",
        "member_joined_channel",
        "member_left_channel",
        "channel_archive",
        "channel_unarchive",
        "channel_deleted",
        "channel_left",
        "channel_id_changed",
        "group_archive",
        "group_unarchive",
        "group_deleted",
        "group_left",
        "/leaderboard",
        "/myscore",
        "/tags",
        "/tier",
        "block_actions",
        "block_suggestion",
        "message_action",
        "shortcut",
        "view_submission",
        "view_closed",
    }
)


def answer(app: App, request: SocketModeRequest, meter: Meter) -> BoltResponse:
    """Return Bolt's answer: status 200 acknowledges; after any other, Slack delivers again."""
    began, dropped = time.monotonic(), BoltResponse(status=HTTPStatus.OK, body="")
    with bound(request=request.envelope_id, **ids_of(request.payload)):
        if fault := malformed(request.payload):
            _log.warning("Dropped a payload of type %r: %s.", request.type, fault)
            response = dropped
        else:
            try:
                response = run_bolt_app(app, request)
            except Exception as fault:  # noqa: BLE001 - Bolt answers 500 if a listener fails; only an unreadable payload raises
                _log.warning(
                    "Dropped a payload of type %r: Bolt can't read it (%s).", request.type, type(fault).__name__
                )
                _log.debug("Bolt's error:", exc_info=True)
                response = dropped
    measure(meter, request.payload, time.monotonic() - began, acknowledged=response.status == HTTPStatus.OK)
    return response


def measure(meter: Meter, payload: Mapping[str, Any], seconds: float, *, acknowledged: bool) -> None:
    """Report a payload, its answer and, for a reaction written to the ledger, its delay to the meter."""
    kind, event = kind_of(payload), payload.get("event")
    happened = str(event.get("event_ts")) if kind in _IN_THE_LEDGER and isinstance(event, Mapping) else ""
    known = acknowledged and _TIMESTAMP.fullmatch(happened)
    meter.answered(kind, seconds, acknowledged=acknowledged, lag=time.time() - float(happened) if known else None)


def ids_of(payload: Mapping[str, Any]) -> dict[str, object]:
    """Return what the log shows about a payload: workspace, event and kind, but nothing about people."""
    team = payload.get("team")
    workspace = payload.get("team_id") or (team.get("id") if isinstance(team, Mapping) else None)
    return {"workspace": workspace, "event": payload.get("event_id"), "kind": kind_of(payload)}


def kind_of(payload: Mapping[str, Any]) -> str:
    """Return an event's type, a command's name, or an interaction's type; OTHER if unknown."""
    event = payload.get("event")
    kind = event.get("type") if isinstance(event, Mapping) else payload.get("command") or payload.get("type")
    return kind if isinstance(kind, str) and kind in _KINDS else OTHER


def malformed(payload: Mapping[str, Any]) -> str | None:
    """Return why Bolt can't handle a payload, or None if it can."""
    if payload.get("type") == "event_callback" and not isinstance(payload.get("event"), dict):
        return f"event {payload.get('event_id')!r} isn't an object"
    return None
