"""Serve the sandbox's routes on a uvicorn server that stops promptly and quietly on a signal."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request as Handshake

from tierbot.sandbox import pagefiles
from tierbot.sandbox.control.routes import ControlWeb, perform
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.web import SlackWeb


class SocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that can play dead: while silent, it answers no ping."""

    silent = False

    def handle_connect(self, event: Handshake) -> None:
        """Make this protocol reachable from the application."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            self.scope["extensions"] = {**(self.scope.get("extensions") or {}), "sandbox": {"protocol": self}}

    def data_received(self, data: bytes) -> None:
        """Process received data, unless the connection is silent."""
        if not self.silent:
            super().data_received(data)

    def send_keepalive_ping(self) -> None:
        """Ping the client, unless the connection is silent (a ping would show that it is alive)."""
        if self.silent:
            self.schedule_ping()
        else:
            super().send_keepalive_ping()


class QuietServer(uvicorn.Server):
    """A server that leaves signals to `serve`, so that SIGTERM ends with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield

    async def start(self, listener: socket.socket) -> None:
        """Start serving on a listening socket."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[listener])

    async def run_until_told(self) -> None:
        """Serve until `should_exit`."""
        await self.main_loop()
        await self.shutdown()


def build_app(box: Sandbox) -> Starlette:
    """Return the ASGI application."""
    return Starlette(
        routes=[*SlackWeb(box).routes(), *ControlWeb(box).routes(), *pagefiles.routes()],
        exception_handlers={ClientDisconnect: _broken_off},
    )


async def _broken_off(request: Request, _: Exception) -> Response:
    """Say in one line that a client went away in the middle of its request."""
    sys.stderr.write(f"{request.method} {request.url.path} broke off before its end.\n")
    return PlainTextResponse("incomplete", status_code=400)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is explicit because asyncio turns off Nagle's algorithm only for TCP (otherwise 40 ms a call).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener


def address(listener: socket.socket, host: str) -> str:
    """Return the base URL of a listening socket."""
    port = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def announcement(box: Sandbox) -> dict[str, Any]:
    """Return the addresses, tokens and ids that the sandbox prints at its start."""
    settings = box.settings
    token = f"/?token={settings.control_token}" if settings.control_token else "/"
    return {
        "url": box.base_url + token,
        "api_url": f"{box.base_url}/api/",
        "control_url": f"{box.base_url}/control/",
        "control_token": settings.control_token,
        "bot_token": settings.bot_token,
        "app_token": settings.app_token,
        "signing_secret": settings.signing_secret,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "team_id": box.workspace.id,
        "channel": box.home_channel.id,
        "bot_user": box.bot.id,
        "teams": [
            {
                "team_id": team,
                "name": one.workspace.name,
                "channel": one.home_channel.id,
                "bot_user": one.bot.id,
                "control_url": f"{box.base_url}/control/team/{team}/",
            }
            for team, one in box.teams.boxes.items()
        ],
    }


def make_server(box: Sandbox) -> QuietServer:
    """Return a server for the sandbox, not yet started."""
    config = uvicorn.Config(
        build_app(box),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws=SocketProtocol,
        ws_ping_interval=box.settings.timings.ping,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return QuietServer(config)


async def serve(box: Sandbox, announce: Callable[[str], None], until: int | None = None) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the pipe with the file descriptor `until`."""
    settings = box.settings
    listener = listen(settings.host, settings.port)
    box.teams.base_url = settings.public_url or address(listener, settings.host)
    server = make_server(box)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True
        for one in box.teams.boxes.values():
            one.stream.close()

    def perform_later(name: str, body: dict[str, Any]) -> None:
        box.hub.spawn(_perform(box, name, body))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if until is not None:
        threading.Thread(target=_stop_at_end_of, args=(until, loop, stop), daemon=True).start()
    await server.start(listener)
    for one in box.teams.boxes.values():
        one.courier.is_open = True
    announce(json.dumps(announcement(box)))
    for seconds, name, body in settings.later:
        box.timers.call_later(seconds, partial(perform_later, name, body))
    await server.run_until_told()
    await box.close()


async def _perform(box: Sandbox, name: str, body: dict[str, Any]) -> None:
    try:
        await perform(box, name, body)
    except (SlackError, TypeError, ValueError) as error:
        print(f"sandbox: --after {name} {body}: {error}", file=sys.stderr)  # noqa: T201


def _stop_at_end_of(descriptor: int, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(descriptor, 4096):  # not sys.stdin, whose lock the interpreter needs on exit
        pass
    with contextlib.suppress(RuntimeError):  # the loop is already closed
        loop.call_soon_threadsafe(stop)
