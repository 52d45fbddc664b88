"""HTTP mode: an ASGI app for Slack's signed requests.

It checks signatures itself, because Bolt logs the body of a refused request and fails on a timestamp that isn't a
number. It verifies a request before parsing it.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tierbot.adapters.slack.connection.intake import ids_of, malformed, measure
from tierbot.adapters.slack.installation.oauth import about_installations
from tierbot.logs import bound
from tierbot.use_cases.ports import Clock, Meter, NoMeter

_log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
_WINDOW = 300  # seconds for which a signature is valid, as Slack recommends
_LARGEST = 1024 * 1024  # bytes; Slack's payloads are far smaller
_TELL_AGAIN = 10.0  # seconds between log lines about requests that broke off
_MOST_SIGNATURES = 100_000  # more than Slack sends in the window
_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_REPEATED = frozenset({"event_callback", "url_verification", "app_rate_limited"})
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class Signatures:
    """Checks that a request comes from Slack, is recent and wasn't answered before."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret.encode()
        self._clock = clock
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def fault(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return why to refuse a request, or None to accept it."""
        timestamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            return "its timestamp isn't a number"
        if abs(self._clock.now().timestamp() - int(timestamp)) > _WINDOW:
            return "it is stale"
        base = b"v0:" + timestamp.encode() + b":" + body
        expected = "v0=" + hmac.new(self._secret, base, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            return "its signature is not Slack's"
        with self._lock:
            return "it was answered before" if signature in self._answered else None

    def answered(self, headers: Mapping[str, str]) -> None:
        """Store the signature of a request that succeeded; Slack may send a failed one again."""
        oldest = int(self._clock.now().timestamp()) - _WINDOW
        with self._lock:
            self._answered[headers["x-slack-signature"]] = int(headers["x-slack-request-timestamp"])
            while self._answered and (
                len(self._answered) > _MOST_SIGNATURES or next(iter(self._answered.values())) < oldest
            ):
                self._answered.popitem(last=False)


class _BrokenOff:
    """Logs requests that broke off: the first immediately, then at most one line per interval."""

    def __init__(self) -> None:
        self._count, self._told_at = 0, -_TELL_AGAIN

    def __call__(self) -> None:
        self._count += 1
        if time.monotonic() - self._told_at >= _TELL_AGAIN:
            _log.warning("Dropped requests to %s that broke off before their end: %d.", EVENTS_PATH, self._count)
            self._count, self._told_at = 0, time.monotonic()


def web_app(
    app: App,
    signing_secret: str,
    clock: Clock,
    more: tuple[BaseRoute, ...] = (),
    meter: Meter | None = None,
    first_time: Callable[[str, str], bool] = lambda *_: True,
) -> Starlette:
    """Return the ASGI application: Slack's events and the routes in `more`.

    `first_time(workspace, signature)` returns whether this command or click is new to every process on this database.
    """
    signatures, counts, broken_off = Signatures(signing_secret, clock), meter or NoMeter(), _BrokenOff()

    async def events(request: Request) -> Response:
        given = request.headers.get("x-request-id", "")  # from a proxy
        with bound(request=given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)):
            try:
                body = await _body(request)
            except ClientDisconnect:
                broken_off()
                return PlainTextResponse("incomplete", 400)
            if body is None:
                return PlainTextResponse("too large", 413)
            if fault := signatures.fault(request.headers, body):
                _log.warning("Refused a request to %s: %s.", EVENTS_PATH, fault)
                return PlainTextResponse("refused", 401)
            response = await run_in_threadpool(_answer, app, request, body, counts, first_time)
            if response.status_code < 300:  # noqa: PLR2004 - any success
                signatures.answered(request.headers)
            return response

    return Starlette(routes=[Route(EVENTS_PATH, events, methods=["POST"]), *more])


async def _body(request: Request) -> bytes | None:
    """Read the body; return None as soon as it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(app: App, request: Request, body: bytes, meter: Meter, first_time: Callable[[str, str], bool]) -> Response:
    began = time.monotonic()
    try:
        asked = to_bolt_request(request, body)
        fault = malformed(asked.body)
        if asked.context.team_id is None and not about_installations(asked.body):
            # Bolt reads the workspace from the event's authorization, which an organization-wide one leaves out.
            asked.context["team_id"] = asked.body.get("context_team_id") or asked.body.get("team_id")
        repeated = asked.body.get("type") in _REPEATED
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as unreadable:
        fault = f"it can't be read ({type(unreadable).__name__})"
    if fault:
        _log.warning("Dropped a signed request: %s.", fault)
        return PlainTextResponse("malformed", 400)
    # Slack resends failed events, and their ids identify copies. It sends nothing else twice.
    if not repeated and not first_time(
        str(asked.context.team_id or asked.context.enterprise_id or ""), request.headers["x-slack-signature"]
    ):
        _log.warning("Refused a request to %s: another process already answered it.", EVENTS_PATH)
        return PlainTextResponse("refused", 401)
    with bound(**ids_of(asked.body)):
        try:
            response = to_starlette_response(app.dispatch(asked))
        except Exception as fault:  # noqa: BLE001 - Bolt answers 500 if a listener fails; only an unreadable payload raises
            _log.warning("Dropped a signed request: Bolt can't read it (%s).", type(fault).__name__)
            _log.debug("Bolt's error:", exc_info=True)
            return PlainTextResponse("malformed", 400)
        measure(meter, asked.body, time.monotonic() - began, acknowledged=response.status_code == 200)  # noqa: PLR2004
        return response
