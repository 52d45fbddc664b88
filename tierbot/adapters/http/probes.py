"""Health checks and metrics of a process over HTTP."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tierbot.adapters.http.web_token import Endpoint, require_token

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def probe_routes(dead: Callable[[], str | None], unready: Callable[[], str | None]) -> tuple[Route, ...]:
    """Return /healthz and /readyz: 200, or 503 with the function's reason, a few words without names."""
    return Route("/healthz", _probe(dead, "ok")), Route("/readyz", _probe(unready, "ready"))


def metrics_routes(figures: Callable[[], bytes], token: str | None) -> tuple[Route, ...]:
    """Return /metrics in Prometheus' text format; it requires the token if there is one."""

    async def metrics(_: Request) -> Response:
        return Response(await run_in_threadpool(figures), media_type=_PROMETHEUS, headers={"Cache-Control": "no-store"})

    return (Route("/metrics", require_token(token, metrics) if token else metrics),)


def _probe(wrong: Callable[[], str | None], fine: str) -> Endpoint:
    async def probe(_: Request) -> Response:
        why = await run_in_threadpool(wrong)
        return PlainTextResponse(why or fine, 503 if why else 200, {"Cache-Control": "no-store"})

    return probe
