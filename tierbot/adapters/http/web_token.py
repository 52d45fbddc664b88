"""Protect metrics and reports, which show how a team works, with TIERBOT_WEB_TOKEN."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

Endpoint = Callable[[Request], Awaitable[Response]]


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
        except (binascii.Error, ValueError):
            return b""
    return b""
