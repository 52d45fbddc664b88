"""Hands a payload to Bolt, and drops one that Bolt would trip over: not acknowledged, it would come again and again."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.adapter.socket_mode.internals import run_bolt_app
from slack_sdk.socket_mode.request import SocketModeRequest

_log = logging.getLogger(__name__)


def answer(app: App, request: SocketModeRequest) -> BoltResponse:
    """Return Bolt's answer: status 200 is acknowledged, any other lets Slack deliver again."""
    if fault := malformed(request.payload):
        _log.warning("A payload of type %r is dropped: %s.", request.type, fault)
        return BoltResponse(status=200, body="")
    try:
        response: BoltResponse = run_bolt_app(app, request)
    except Exception:  # noqa: BLE001 - Bolt answers 500 for its listeners' faults; an unreadable payload raises
        _log.exception("A payload of type %r is dropped: Bolt cannot read it.", request.type)
        return BoltResponse(status=200, body="")
    return response


def malformed(payload: Mapping[str, Any]) -> str | None:
    """Return what Bolt would trip over in a payload, None if nothing."""
    if payload.get("type") == "event_callback" and not isinstance(payload.get("event"), dict):
        return f"event {payload.get('event_id')!r} is no object"
    return None
