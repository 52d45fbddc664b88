"""ASGI routes for /slack/install and /slack/oauth_redirect: Bolt's flow answers, and a failure becomes a page."""

import logging
from collections.abc import Callable

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tierbot.adapters.slack.installation.oauth import INSTALL_PATH, REDIRECT_PATH

_log = logging.getLogger(__name__)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the URL contains a code
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "frame-ancestors 'none'; base-uri 'none'",
}


def install_routes(app: App) -> tuple[BaseRoute, ...]:
    """Return the routes; none for an app that serves a single workspace."""
    flow = app.oauth_flow
    if flow is None:
        return ()

    async def install(request: Request) -> Response:
        return await run_in_threadpool(_answer, flow.handle_installation, request)

    async def redirect(request: Request) -> Response:
        return await run_in_threadpool(_answer, flow.handle_callback, request)

    return Route(INSTALL_PATH, install), Route(REDIRECT_PATH, redirect)


def _answer(handle: Callable[[BoltRequest], BoltResponse], request: Request) -> Response:
    try:
        response = to_starlette_response(handle(to_bolt_request(request, b"")))
    except Exception:  # noqa: BLE001 - Bolt handles Slack's refusals only
        _log.exception("An installation failed at %s.", request.url.path)
        response = PlainTextResponse("Slack or the database did not answer. Please start again in a minute.", 502)
    response.headers.update(_HEADERS)
    return response
