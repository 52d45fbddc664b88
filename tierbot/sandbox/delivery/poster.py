"""POST to one URL over persistent connections, with a minimal HTTP/1.1 client.

The sandbox shares two cores with the bot under test, and a general-purpose client took more CPU time than the bot.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_AT_ONCE = 32  # connections


class Unanswered(OSError):  # noqa: N818 - an outcome, not a bug
    """The server sent no valid HTTP answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with lower-case header names. `keeps`: whether the connection can serve another request."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    keeps: bool


class Poster:
    """Send POST requests to `url` (http or https), up to 32 at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._tls else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._line = f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def post(self, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """Send one request. Raises TimeoutError after `seconds`, Unanswered if the connection fails."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"{self._line}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
        async with self._turns:
            connection = None
            try:
                async with asyncio.timeout(seconds):
                    connection = await self._connection()
                    answer = await _exchange(*connection, request)
            except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as fault:
                if isinstance(fault, TimeoutError):
                    raise
                raise Unanswered(str(fault)) from fault
            else:
                if answer.keeps:
                    self._idle.append(connection)
                    connection = None
                return answer
            finally:
                if connection is not None:
                    connection[1].close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls or None)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            _, writer = self._idle.pop()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "transfer-encoding" in headers:
        raise ValueError("chunked answers are not supported: send a Content-Length")
    version, status = head[0].split(" ")[:2]
    keeps = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    length = headers.get("content-length", "0" if keeps else None)
    content = await reader.read() if length is None else await reader.readexactly(int(length))
    return Answer(int(status), headers, content, keeps)
