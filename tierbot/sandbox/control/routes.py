"""Serve the control API over HTTP and WebSocket, and authorize its callers."""

import asyncio
import hmac
import json
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tierbot.sandbox.control.acts import ACTS
from tierbot.sandbox.control.answered import ANSWERED
from tierbot.sandbox.control.looks import LOOKS
from tierbot.sandbox.delivery.faults import FaultPlan
from tierbot.sandbox.kit.args import parse_json
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json
from tierbot.sandbox.sandbox import Sandbox

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_STATUS = {"unauthorized": 401, "forbidden_host": 403, "unknown_control": 404, "team_not_found": 404}


async def perform(box: Sandbox, name: str, body: Json) -> Json:
    """Carry out a control call. Raises SlackError if it is refused."""
    if name in ACTS:
        return ACTS[name](box, body)
    if name in ANSWERED:
        return await ANSWERED[name](box, body)
    raise SlackError("unknown_control")


class ControlWeb:
    """Routes under `/control/`."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        methods = ["GET", "POST", "PUT", "DELETE"]
        return [
            WebSocketRoute("/control/stream", self.stream),
            WebSocketRoute("/control/team/{team}/stream", self.stream),
            Route("/control/{name}", self.call, methods=methods),
            Route("/control/team/{team}/{name}", self.call, methods=methods),
        ]

    def _guard(self, connection: HTTPConnection) -> None:
        """Require the control token; if none is set, allow only this machine and pages served from it."""
        token = self._box.settings.control_token
        if token is not None:
            given = connection.headers.get("authorization", "").removeprefix("Bearer ")
            given = given or connection.query_params.get("token", "")
            if not hmac.compare_digest(given.encode(), token.encode()):
                raise SlackError("unauthorized")
            return
        origin = connection.headers.get("origin")
        hosts = {connection.url.hostname, urlsplit(origin).hostname if origin else "localhost"}
        if not hosts <= _LOOPBACK:
            raise SlackError("forbidden_host")

    def _team(self, connection: HTTPConnection) -> Sandbox:
        """Return the team in the call's path, by default the first."""
        boxes = self._box.teams.boxes
        team = connection.path_params.get("team", self._box.workspace.id)
        if team not in boxes:
            raise SlackError("team_not_found")
        return cast("Sandbox", boxes[team])

    async def call(self, request: Request) -> Response:
        """Answer a query (GET), perform an action (POST, or PUT to the panel), or DELETE the faults."""
        name = request.path_params["name"]
        try:
            self._guard(request)
            box = self._team(request)
            if request.method in {"POST", "PUT"}:
                result = await perform(box, name, await _body(request))
            elif request.method == "DELETE" and name == "faults":
                box.faults.plan = FaultPlan()
                result = LOOKS["faults"](box, {})
            elif request.method != "DELETE" and name in LOOKS:
                result = LOOKS[name](box, request.query_params)
            else:
                raise SlackError("unknown_control")  # noqa: TRY301
        except SlackError as error:
            return JSONResponse(error.body(), status_code=_STATUS.get(error.code, 400))
        except (TypeError, ValueError) as error:
            refusal = SlackError("invalid_arguments", messages=[str(error)])
            return JSONResponse(refusal.body(), status_code=400)
        return JSONResponse({"ok": True, **result})

    async def stream(self, websocket: WebSocket) -> None:
        """Send every change from now on, or from number `?since=` on."""
        try:
            self._guard(websocket)
            box = self._team(websocket)
        except SlackError:
            await websocket.close(code=4003)
            return
        await websocket.accept()
        since = websocket.query_params.get("since")
        with box.stream.subscribe(int(since) if since and since.isdigit() else None) as queue:
            hello = {"type": "hello", "seq": box.stream.seq}
            await websocket.send_text(json.dumps(hello))
            gone = asyncio.create_task(_until_gone(websocket, queue))
            try:
                await _pump(websocket, queue, gone)
            finally:
                gone.cancel()


async def _pump(websocket: WebSocket, queue: asyncio.Queue[str | None], gone: asyncio.Task[Any]) -> None:
    with suppress(WebSocketDisconnect):  # the page may close while a change is being sent
        while (text := await queue.get()) is not None:
            await websocket.send_text(text)
        if not gone.done():
            await websocket.close(code=1012)


async def _until_gone(websocket: WebSocket, queue: asyncio.Queue[str | None]) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
    queue.put_nowait(None)


async def _body(request: Request) -> Json:
    raw = await request.body()
    if not raw:
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise SlackError("invalid_arguments", messages=["send JSON with Content-Type: application/json"])
    body = parse_json(raw)
    if not isinstance(body, dict):
        raise SlackError("invalid_arguments", messages=["the body must be a JSON object"])
    return body
