"""HTTP mode: Slack's signed requests by ASGI.

Signatures are checked here rather than by Bolt, which writes a refused body to the log and trips over a timestamp
that is no number. Nothing is parsed before it is verified.
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

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.starlette.handler import to_starlette_response
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tierbot.adapters.slack.connection.intake import ids_of, malformed, tell
from tierbot.adapters.slack.installation.oauth import about_installations
from tierbot.logs import bound
from tierbot.use_cases.ports import Clock, Meter, NoMeter

_log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
_WINDOW = 300  # seconds that a signature is good for, by Slack's own advice
_LARGEST = 1024 * 1024  # bytes; Slack's payloads are far smaller
_REMEMBERED = 100_000  # signatures; more than Slack sends in the window
_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_REPEATED = frozenset({"event_callback", "url_verification", "app_rate_limited"})
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class Signatures:
    """Says which requests are Slack's own, fresh, and not answered before."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret.encode()
        self._clock = clock
        self._answered: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def fault(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return what is wrong with a request, None if nothing is."""
        timestamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            return "its timestamp is no number"
        if abs(self._clock.now().timestamp() - int(timestamp)) > _WINDOW:
            return "it is stale"
        base = b"v0:" + timestamp.encode() + b":" + body
        expected = "v0=" + hmac.new(self._secret, base, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            return "its signature is not Slack's"
        with self._lock:
            return "it was answered before" if signature in self._answered else None

    def answered(self, headers: Mapping[str, str]) -> None:
        """Remember a request that was dealt with: one that failed comes again, and its copy is welcome."""
        oldest = int(self._clock.now().timestamp()) - _WINDOW
        with self._lock:
            self._answered[headers["x-slack-signature"]] = int(headers["x-slack-request-timestamp"])
            while self._answered and (
                len(self._answered) > _REMEMBERED or next(iter(self._answered.values())) < oldest
            ):
                self._answered.popitem(last=False)


def web_app(
    app: App,
    signing_secret: str,
    clock: Clock,
    more: tuple[BaseRoute, ...] = (),
    meter: Meter | None = None,
    first_time: Callable[[str, str], bool] = lambda *_: True,
) -> Starlette:
    """Return the ASGI application: Slack's events, and `more`.

    `first_time` says of a workspace and the signature of a command or a click whether no process obeyed it before.
    """
    signatures, counts = Signatures(signing_secret, clock), meter or NoMeter()

    async def events(request: Request) -> Response:
        with bound(request=_request_id(request)):
            body = await _body(request)
            if body is None:
                return PlainTextResponse("too large", 413)
            if fault := signatures.fault(request.headers, body):
                _log.warning("A request to %s is refused: %s.", EVENTS_PATH, fault)
                return PlainTextResponse("refused", 401)
            response = await _take(app, request, body, counts, first_time)
            if response.status_code < 300:  # noqa: PLR2004 - any success
                signatures.answered(request.headers)
            return response

    return Starlette(routes=[Route(EVENTS_PATH, events, methods=["POST"]), *more])


def _request_id(request: Request) -> str:
    """Return the id that a proxy gave the request, or a fresh one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


async def _body(request: Request) -> bytes | None:
    """Read the body; None as soon as it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


async def _take(
    app: App, request: Request, body: bytes, meter: Meter, first_time: Callable[[str, str], bool]
) -> Response:
    return await run_in_threadpool(_answer, app, request, body, meter, first_time)


def _answer(app: App, request: Request, body: bytes, meter: Meter, first_time: Callable[[str, str], bool]) -> Response:
    began = time.monotonic()
    try:
        asked = BoltRequest(
            body=body.decode("utf-8"),
            query=dict(request.query_params),
            headers={name: [value] for name, value in request.headers.items()},
        )
        fault = malformed(asked.body)
        if asked.context.team_id is None and not about_installations(asked.body):
            # Bolt looks at an event's authorization, and that of a whole organisation names no workspace.
            asked.context["team_id"] = asked.body.get("context_team_id") or asked.body.get("team_id")
    except (ValueError, TypeError, AttributeError, KeyError, LookupError) as unreadable:
        fault = f"it cannot be read ({type(unreadable).__name__})"
    if fault:
        _log.warning("A signed request is dropped: %s.", fault)
        return PlainTextResponse("malformed", 400)
    # An event's own id tells it from a copy, and one that failed is welcome again; nothing else is sent twice by Slack.
    if asked.body.get("type") not in _REPEATED and not first_time(
        str(asked.context.team_id or asked.context.enterprise_id or ""), request.headers["x-slack-signature"]
    ):
        _log.warning("A request to %s is refused: another process answered it before.", EVENTS_PATH)
        return PlainTextResponse("refused", 401)
    with bound(**ids_of(asked.body)):
        response = to_starlette_response(app.dispatch(asked))
        tell(meter, asked.body, time.monotonic() - began, acknowledged=response.status_code == 200)  # noqa: PLR2004
        return response
