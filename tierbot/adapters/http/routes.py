"""HTTP routes for operators: probes, and behind TIERBOT_WEB_TOKEN metrics and reports, which show how a team works."""

import base64
import hmac
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tierbot.domain.nouns import TierbotError

Endpoint = Callable[[Request], Awaitable[Response]]

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def probe_routes(dead: Callable[[], str | None], unready: Callable[[], str | None]) -> tuple[Route, ...]:
    """Return /healthz and /readyz: 200, or 503 with the function's reason, a few words without names.

    `dead` must only look at memory: it runs immediately, even while every worker thread is waiting for the database.
    """

    async def alive(_: Request) -> Response:
        return _verdict(dead(), "ok")

    async def ready(_: Request) -> Response:
        return _verdict(await run_in_threadpool(unready), "ready")

    return Route("/healthz", alive), Route("/readyz", ready)


def metrics_routes(figures: Callable[[], bytes], token: str | None) -> tuple[Route, ...]:
    """Return /metrics in Prometheus' text format; it requires the token if there is one."""

    async def metrics(_: Request) -> Response:
        return Response(await run_in_threadpool(figures), media_type=_PROMETHEUS, headers={"Cache-Control": "no-store"})

    return (Route("/metrics", require_token(token, metrics) if token else metrics),)


def report_routes(token: str, page: Callable[[str | None], str], policy: str) -> tuple[Route, ...]:
    """Return the routes /report and /report/WORKSPACE, which require the token.

    page: returns the HTML of a workspace's report (None for the only workspace); its TierbotErrors become 404 answers.
    policy: the page's Content-Security-Policy.
    """
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }

    async def report(request: Request) -> Response:
        try:
            made = await run_in_threadpool(page, request.path_params.get("workspace"))
        except TierbotError as fault:
            return PlainTextResponse(str(fault), 404, headers)
        return HTMLResponse(made, headers=headers)

    guarded = require_token(token, report)
    return Route("/report", guarded), Route("/report/{workspace}", guarded)


def require_token(token: str, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint, which answers 401 unless the request has the token.

    Programs send `Authorization: Bearer TOKEN`. In a browser, the token is the password, with any user name.
    """
    expected = token.encode()

    async def guarded(request: Request) -> Response:
        if not hmac.compare_digest(_brought(request.headers.get("authorization", "")), expected):
            return PlainTextResponse("refused", 401, {"WWW-Authenticate": 'Basic realm="tierbot", charset="UTF-8"'})
        return await endpoint(request)

    return guarded


def _brought(header: str) -> bytes:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("utf-8", "replace")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""


def _verdict(why: str | None, fine: str) -> Response:
    return PlainTextResponse(why or fine, 503 if why else 200, {"Cache-Control": "no-store"})
