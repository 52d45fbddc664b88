"""SmokeTestActions a payload to Bolt, and drops one that Bolt would trip over: not acknowledged, it would come again and again."""

import logging
import re
import time
from collections.abc import Mapping
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
        "/leaderboard",
        "/myscore",
        "/tier",
        "block_actions",
        "message_action",
        "shortcut",
        "view_submission",
        "view_closed",
    }
)


def answer(app: App, request: SocketModeRequest, meter: Meter) -> BoltResponse:
    """Return Bolt's answer: status 200 is acknowledged, any other lets Slack deliver again."""
    began = time.monotonic()
    response = _answer(app, request)
    tell(meter, request.payload, time.monotonic() - began, acknowledged=response.status == 200)  # noqa: PLR2004
    return response


def tell(meter: Meter, payload: Mapping[str, Any], seconds: float, *, acknowledged: bool) -> None:
    """Tell the meter what came in and how it was answered; what is acknowledged stands in the ledger."""
    kind, event = kind_of(payload), payload.get("event")
    happened = str(event.get("event_ts")) if kind in _IN_THE_LEDGER and isinstance(event, Mapping) else ""
    known = acknowledged and _TIMESTAMP.fullmatch(happened)
    meter.answered(kind, seconds, acknowledged=acknowledged, lag=time.time() - float(happened) if known else None)


def _answer(app: App, request: SocketModeRequest) -> BoltResponse:
    with bound(request=request.envelope_id, **ids_of(request.payload)):
        if fault := malformed(request.payload):
            _log.warning("A payload of type %r is dropped: %s.", request.type, fault)
            return BoltResponse(status=200, body="")
        try:
            response: BoltResponse = run_bolt_app(app, request)
        except Exception:  # noqa: BLE001 - Bolt answers 500 for its listeners' faults; an unreadable payload raises
            _log.exception("A payload of type %r is dropped: Bolt cannot read it.", request.type)
            return BoltResponse(status=200, body="")
        return response


def ids_of(payload: Mapping[str, Any]) -> dict[str, object]:
    """Return what the log says of a payload's origin: workspace, event, and its kind; nothing of people."""
    team = payload.get("team")
    workspace = payload.get("team_id") or (team.get("id") if isinstance(team, Mapping) else None)
    return {"workspace": workspace, "event": payload.get("event_id"), "kind": kind_of(payload)}


def kind_of(payload: Mapping[str, Any]) -> str:
    """Return what came in: an event's type, a command's name, or how somebody interacted; OTHER if it is unknown."""
    event = payload.get("event")
    kind = event.get("type") if isinstance(event, Mapping) else payload.get("command") or payload.get("type")
    return kind if isinstance(kind, str) and kind in _KINDS else OTHER


def malformed(payload: Mapping[str, Any]) -> str | None:
    """Return what Bolt would trip over in a payload, None if nothing."""
    if payload.get("type") == "event_callback" and not isinstance(payload.get("event"), dict):
        return f"event {payload.get('event_id')!r} is no object"
    return None
