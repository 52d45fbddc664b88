"""An HTTP server in a thread: uvicorn, plus protection against clients that open many connections or never finish.

uvicorn limits idle connections and the size of a request's head. It has no time limit for a request to arrive, and its
`limit_concurrency` counts half-sent requests, so they would shut out whole ones. Here, a request must arrive within a
few seconds, and if too many connections are waiting for the rest of one, the one that has waited longest is closed.
Slack sends each request in one go, so it isn't affected.
"""

import asyncio
import errno
import heapq
import logging
import os
import socket
import threading
import time
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tierbot.domain.nouns import TierbotError

log = logging.getLogger(__name__)

_ARRIVAL = 10.0  # seconds for a whole request to arrive
_MOST_WAITING = 256  # connections without a whole request
_MOST_AT_WORK = 512  # connections with one; beyond that, uvicorn answers 503, and Slack delivers again
_ACCEPTED_AT_ONCE = 1 / 8  # of the connections that may wait, so that a new one is read before it has waited longest
_QUEUED = 2_048  # connections that the system completes before they are accepted
_RETRY = 1.0  # seconds until asyncio accepts again after that failed
_TELL_AGAIN = 60.0  # seconds between log lines that say the same
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def most_waiting() -> int:
    """Return how many connections may wait for the rest of a request: at most a quarter of this process's descriptors."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return _MOST_WAITING
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_WAITING if soft == resource.RLIM_INFINITY else max(8, min(_MOST_WAITING, soft // 4))


class Connection(H11Protocol):
    """A connection whose requests must arrive whole, in time."""

    waiting_since: float | None = None  # by the loop's clock; None while a whole request is answered
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request; close the connection that has waited longest if there are too many."""
        super().connection_made(transport)
        self._watch()
        make_room(self.connections, most_waiting())

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Don't wait for the rest of a request when the server stops."""
        if self.waiting_since is None:
            super().shutdown()
        else:
            self.drop()

    def drop(self) -> None:
        """Close the connection immediately."""
        self._stop_waiting()
        self.transport.abort()

    def _watch(self) -> None:
        whole = self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}
        if whole or self.transport.is_closing():
            self._stop_waiting()
        elif self.waiting_since is None:
            self.waiting_since = self.loop.time()
            self._deadline = self.loop.call_later(_ARRIVAL, self._give_up)

    def _give_up(self) -> None:
        """Answer 408 to a request that began to arrive, unless it was answered, and close the connection."""
        answered = getattr(self.cycle, "response_started", False)  # no cycle before the first request
        begun = self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
        if begun and not answered:
            self.transport.write(_TIMED_OUT)
        self._stop_waiting()
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self.waiting_since = self._deadline = None


def make_room(connections: Any, most: int) -> None:
    """Close the connections that have waited longest for the rest of a request, until at most `most` wait."""
    waiting = [one for one in connections if one.waiting_since is not None]
    for one in heapq.nsmallest(len(waiting) - most, waiting, key=lambda one: one.waiting_since):
        one.drop()


class _Server(uvicorn.Server):
    """uvicorn, which without free file descriptors logs one line and closes half of the connections that wait for a request."""

    _told_at = -_TELL_AGAIN
    _freed_at = -_TELL_AGAIN

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._handle)
        await super().startup(sockets)
        for listening in sockets or ():
            # Not config.backlog, which is also how many connections asyncio accepts before anything else.
            listening.listen(_QUEUED)

    def _handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if not isinstance(fault, OSError) or fault.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
            return
        if loop.time() - self._freed_at >= _RETRY / 2:  # asyncio says so for each connection that it tries to accept
            self._freed_at = loop.time()
            connections: Any = self.server_state.connections
            make_room(connections, sum(one.waiting_since is not None for one in connections) // 2)
        if loop.time() - self._told_at >= _TELL_AGAIN:
            self._told_at = loop.time()
            log.error(
                "Can't accept connections: %s. Raise the limit (ulimit -n), or limit connections at your proxy.", fault
            )


class WebServer:
    """Runs uvicorn in a separate thread, so that SIGTERM stops it cleanly with exit code 0."""

    def __init__(self, app: Any, host: str, port: int, setting: str = "PORT") -> None:
        """Prepare the server. `setting` is the name of the setting that gives the port."""
        self._setting, self._host, self._port = setting, host, port
        config = uvicorn.Config(
            app,
            http=Connection,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            lifespan="off",
            limit_concurrency=_MOST_AT_WORK,
            backlog=max(1, int(most_waiting() * _ACCEPTED_AT_ONCE)),
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="tierbot-web", daemon=True)
        self._listening: socket.socket | None = None

    def _run(self) -> None:
        self._server.run([self._listening] if self._listening else None)

    def start(self, patience: float = 20.0) -> int:
        """Listen, and return the port. Raises TierbotError if the port is not available."""
        try:
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            self._listening = socket.create_server((self._host, self._port), family=family)
        except OSError as fault:
            raise TierbotError(
                f"Port {self._port} is not available ({os.strerror(fault.errno or 0)}). Set {self._setting} to a free port."
            ) from fault
        self._thread.start()
        until = time.monotonic() + patience
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        if not self._server.started:
            raise TierbotError("The web server didn't start. The log says why.")
        return int(self._listening.getsockname()[1])

    def stop(self, grace: float = 7.0) -> bool:
        """Finish current requests and accept no more; return whether that took less than `grace` seconds."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(grace)
        return not self._thread.is_alive()
