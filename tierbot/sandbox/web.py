"""Serve Slack's own URLs: `/api/…`, uploads, response URLs, files and the Socket Mode link."""

from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from tierbot.sandbox.api import METHODS, Args, Method
from tierbot.sandbox.authorizing import Authorizing, credentials
from tierbot.sandbox.kit.args import parse_json
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.settings import USER_TOKEN
from tierbot.sandbox.sandbox import Sandbox

_MAX_BODY = 32 * 1024 * 1024
_CALLERS = {"bot": {"bot"}, "app": {"app"}, "member": {"bot", "user"}, "everyone": {"bot", "app", "user"}}


async def _arguments(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = dict(request.query_params)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type == "multipart/form-data":
        async with request.form() as form:
            values |= {key: value for key, value in form.items() if isinstance(value, str)}
        return values
    raw = await request.body()
    if not raw:
        return values
    if content_type == "application/json":
        try:
            body = parse_json(raw)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        return values | body
    try:
        return values | dict(parse_qsl(raw.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        raise SlackError("invalid_form_data") from None


class SlackWeb:
    """The routes of Slack's own API."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/api/{name:path}", self.call, methods=["GET", "POST"]),
            Route("/response/{token}", self.respond, methods=["POST"]),
            Route("/upload/v1/{token}", self.upload, methods=["POST", "PUT"]),
            Route("/files/{file_id}", self.download),
            WebSocketRoute("/link/", self._box.hub.serve),
            Route("/oauth/v2/authorize", Authorizing(self._box).page, methods=["GET", "POST"]),
        ]

    async def call(self, request: Request) -> Response:
        """Answer one Web API call."""
        box = self._box
        name = request.path_params["name"].rstrip("/")
        fault = box.faults.api(name)
        if fault == "500":
            return PlainTextResponse("Internal Server Error", status_code=500)
        token = ""
        try:
            values = await _arguments(request) | credentials(request.headers.get("authorization", ""))
            token = str(values.pop("token", "") or "")
            method = METHODS.get(name)
            if method is None:
                raise SlackError("unknown_method", req_method=name)  # noqa: TRY301
            self._authorize(method, token)
            args = Args(values, token=token)
            box = cast("Sandbox", box.teams.box_of(token, name, args))
            if fault == "429":
                wait = box.faults.plan.retry_after
            else:
                channel, reduced = args.text("channel"), box.faults.plan.reduced_history
                wait = box.limits.retry_after(name, method.tier, channel, box.clock.time(), reduced=reduced)
            if wait:
                refusal = {"ok": False, "error": "ratelimited"}
                return JSONResponse(refusal, status_code=429, headers={"Retry-After": str(wait)})
            body = {"ok": True, **method.handler(box, args)}
        except SlackError as error:
            body = error.body()
        if fault == "lost_answer":
            return PlainTextResponse("Bad Gateway", status_code=502)
        return JSONResponse(body, headers={"x-oauth-scopes": ",".join(sorted(self._scopes(token)))})

    def _scopes(self, token: str) -> frozenset[str]:
        return self._box.settings.user_scopes if token.startswith(USER_TOKEN) else self._box.settings.scopes

    def _authorize(self, method: Method, token: str) -> None:
        if method.caller == "anyone":
            return
        kind = self._kind(token)
        if kind not in _CALLERS[method.caller]:
            raise SlackError("not_allowed_token_type")
        granted = self._scopes(token)
        if kind != "app" and method.scopes and not set(method.scopes) & granted:
            raise SlackError("missing_scope", needed=method.scopes[0], provided=",".join(sorted(granted)))

    def _kind(self, token: str) -> str:
        settings = self._box.settings
        if not token:
            raise SlackError("not_authed")
        if token.startswith(USER_TOKEN):
            try:
                self._box.caller(token)
            except SlackError:
                raise SlackError("invalid_auth") from None
            return "user"
        if token == settings.app_token:
            return "app"
        if self._box.teams.grant_of(token) is None:
            raise SlackError("invalid_auth")
        return "bot"

    async def respond(self, request: Request) -> Response:
        """Accept an answer to a response_url."""
        try:
            body = parse_json(await request.body())
            if not isinstance(body, dict):
                raise SlackError("invalid_payload")  # noqa: TRY301
            token = request.path_params["token"]
            self._box.teams.holder("replies", token).replies.use(token, body)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
        except SlackError as error:
            gone = error.code in {"used_url", "expired_url", "no_such_url"}
            return JSONResponse(error.body(), status_code=404 if gone else 400)
        return PlainTextResponse("ok")

    async def upload(self, request: Request) -> Response:
        """Accept the bytes of a reserved file, raw or as a form."""
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            async with request.form() as form:
                parts = [value for value in form.values() if not isinstance(value, str)]
                content = await parts[0].read() if parts else b""
        else:
            content = await request.body()
        if len(content) > _MAX_BODY:
            return PlainTextResponse("too large", status_code=413)
        try:
            token = request.path_params["token"]
            file = self._box.teams.holder("files", token).files.fill(token, content)
        except SlackError as error:
            return PlainTextResponse(error.code, status_code=404)
        return PlainTextResponse(f"OK - {file.length}")

    async def download(self, request: Request) -> Response:
        """Serve an uploaded picture inline, and any other file as a download."""
        try:
            file_id = request.path_params["file_id"]
            file = self._box.teams.holder("files", file_id).files.get(file_id)
        except SlackError:
            return PlainTextResponse("not found", status_code=404)
        picture = file.mimetype in {"image/png", "image/jpeg", "image/gif", "image/webp"}
        return Response(
            file.content,
            media_type=file.mimetype if picture else "application/octet-stream",
            headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"},
        )
