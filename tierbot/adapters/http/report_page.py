"""The report over HTTP: created for each request and never cached."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tierbot.adapters.http.web_token import require_token
from tierbot.domain.nouns import TierbotError

PATH = "/report"


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
    return Route(PATH, guarded), Route(f"{PATH}/{{workspace}}", guarded)
