"""Keep a Socket Mode connection alive: connect, watch, reconnect, drain, disconnect.

It adds three things to the SDK's client over websocket-client: it detects a closed connection immediately and a silent
one even before the first pong; it retries with growing pauses; and it stops cleanly: it accepts no new requests,
finishes and acknowledges the current ones, and closes the connection.
"""

import logging
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.websocket_client import SocketModeClient
from websocket import WebSocket, WebSocketApp, WebSocketException

from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.connection.intake import answer
from tierbot.adapters.slack.pools import FullPool
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Meter, NoMeter, RateLimitedError

_log = logging.getLogger(__name__)

_PING = 5.0  # seconds between pings
_SILENCE = 20.0  # seconds without traffic before the connection is replaced
_OPENING = 5.0  # seconds to wait for the first connection; after that the watchdog takes over
_TICK = 0.5  # seconds between the watchdog's checks
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the n-th attempt to reconnect
_STABLE = 10.0  # seconds after which a connection counts as stable
WORKERS = 32  # reactions that wait at the same time are written in one transaction
_UNHANDLED = 256  # messages read from the connection but not yet handled; with more, reading pauses


class _BusyWorkers(FullPool):
    """A pool that takes no more work while too much is waiting; the SDK's own would queue messages without limit."""

    def __init__(self, workers: int, waiting: int) -> None:
        super().__init__(workers, "slack-message")
        self._room = threading.Semaphore(workers + waiting)

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Wait for room, then queue the work."""
        self._room.acquire()
        try:
            begun = super().submit(work, *arguments, **options)
        except BaseException:  # it is shutting down
            self._room.release()
            raise
        begun.add_done_callback(lambda _: self._room.release())
        return begun


class _Client(SocketModeClient):
    """The SDK's client, except that the watchdog reconnects it.

    A rate limit doesn't make it sleep. Messages that arrive faster than they are handled stay in the connection.
    """

    def __init__(self, **arguments: Any) -> None:
        self.told_to_move = threading.Event()
        self.decided = threading.Event()  # the current connection has been opened, or has failed
        self._ran: WebSocketApp | None = None
        self._opened: WebSocketApp | None = None
        self._ended: WebSocketApp | None = None
        self._wire: WebSocket | None = None  # the open connection's
        super().__init__(
            on_open_listeners=[self._note_open],
            on_error_listeners=[self._note_error],
            on_close_listeners=[self._note_end],
            auto_reconnect_enabled=False,
            logger=_quiet_logger(),
            **arguments,
        )
        self.message_queue.maxsize = _UNHANDLED
        self.message_workers = _BusyWorkers(WORKERS, _UNHANDLED)

    def is_connected(self) -> bool:
        """Return whether the current connection is open; False while connecting and after it closed."""
        session = self.current_session
        return session is not None and session is self._opened and session is not self._ended

    @property
    def ended(self) -> bool:
        """Whether the current connection has closed; False while connecting."""
        return self.current_session is None or self.current_session is self._ended

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """Note that Slack is about to close the connection; the SDK would reconnect without any pause."""
        self.told_to_move.set()

    def move(self, *, force: bool) -> None:
        """Open a new connection in place of the current one; without `force`, only if that is closed."""
        self.told_to_move.clear()
        super().connect_to_new_endpoint(force=force)

    def connect(self) -> None:
        super().connect()
        session = self.current_session
        if session is not None:
            session.close = partial(_end, session)  # type: ignore[method-assign]

    def issue_new_wss_url(self) -> str:
        answer = call(self.web_client.apps_connections_open, app_token=self.app_token)
        return str(answer["url"])

    def _run_current_session(self) -> None:
        """Read a connection to its end, once: the SDK would try its address again, but Slack's addresses work only once."""
        session = self.current_session
        if session is None or session is self._ran:
            return
        self._ran = session
        try:
            session.run_forever(ping_interval=self.ping_interval)
        finally:
            self._ended = session
            self.decided.set()
            if self._wire is not None:
                self._wire.shutdown()  # type: ignore[no-untyped-call] # websocket-client doesn't close it if the peer did

    def _note_open(self, session: WebSocketApp) -> None:
        self._opened, self._wire = session, session.sock
        self.decided.set()

    def _note_end(self, session: WebSocketApp) -> None:
        self._ended = session

    def _note_error(self, session: WebSocketApp, fault: Exception) -> None:
        self._ended = session
        _log.info("The connection to Slack closed: %s", fault)


class _Gate:
    """Counts the requests in progress; once closed, it admits no more."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._open = True

    def enter(self) -> bool:
        with self._condition:
            self._inside += self._open
            return self._open

    def leave(self) -> None:
        with self._condition:
            self._inside -= 1
            self._condition.notify_all()

    def close(self, until: float) -> bool:
        """Admit no more requests; wait until the monotonic time `until` for the rest to finish."""
        with self._condition:
            self._open = False
            return self._condition.wait_for(lambda: self._inside == 0, max(0.0, until - time.monotonic()))


class SocketRunner:
    """Keeps a Bolt app connected by Socket Mode.

    `on_connected` runs after every new connection, the first included, to reconcile missed events. Times are seconds.
    """

    def __init__(
        self,
        app: App,
        app_token: str,
        web_client: WebClient,
        *,
        on_connected: Callable[[], None] = lambda: None,
        meter: Meter | None = None,
        silence: float = _SILENCE,
        ping: float = _PING,
    ) -> None:
        self._app = app
        self._on_connected = on_connected
        self._meter = meter or NoMeter()
        self.connections = 0
        """The number of connections so far."""
        self._silence = silence
        self._gate = _Gate()
        self._stopping = threading.Event()
        self._make_client: Callable[[], _Client] = lambda: _Client(
            app_token=app_token,
            web_client=web_client,
            ping_interval=ping,
            on_message_listeners=[lambda *_: self._heard()],
        )
        self._client: _Client | None = None
        self._watchdog = threading.Thread(target=self._watch, name="slack-watchdog", daemon=True)
        self._last_heard = time.monotonic()
        self._last_pong: tuple[WebSocketApp | None, float] = (None, 0.0)
        self._session: WebSocketApp | None = None

    def dead(self) -> str | None:
        """Return the fault if the watchdog thread died, or else None."""
        gone = self._watchdog.ident is not None and not self._watchdog.is_alive() and not self._stopping.is_set()
        return f"{self._watchdog.name} has ended" if gone else None

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._client is not None and self._client.is_connected()

    def start(self) -> None:
        """Connect and stay connected, however long Slack is unreachable. Raises ChatError if it refuses the token."""
        client = self._client = self._make_client()
        client.socket_mode_request_listeners.append(self._handle)
        try:
            client.connect()
            client.decided.wait(_OPENING)
        except ChatError:
            client.close()
            raise
        except TierbotError as fault:
            _log.warning("Not connected yet; still trying. %s", fault)
        self._heard()
        self._watchdog.start()

    def stop(self, grace: float = 8.0) -> bool:
        """Finish the current requests and disconnect, within about `grace` seconds; return whether all finished."""
        until = time.monotonic() + grace
        self._stopping.set()
        idle = self._gate.close(until - grace / 4)
        drain = self._app.listener_runner.listener_executor.shutdown
        return all([idle, _within(until - grace / 8, drain), _within(until, self._close)])

    def _close(self) -> None:
        if self._watchdog.is_alive():
            self._watchdog.join()
        if self._client is not None:
            self._client.closed = True
            with suppress(queue.Full):  # then its reader is awake
                self._client.message_queue.put_nowait(None)  # wakes it: it checks `closed` only once a second
            self._client.close()

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        if not self._gate.enter():
            return  # not acknowledged: Slack delivers it again, to another connection or after the restart
        try:
            started = time.time()
            response = answer(self._app, request, self._meter)
            send_response(client, request, response, started)
        except (SlackClientError, WebSocketException, OSError) as fault:
            _log.info("Could not send an acknowledgment; Slack will deliver again. %s", fault)
        finally:
            self._gate.leave()

    def _heard(self) -> None:
        self._last_heard = time.monotonic()

    def _watch(self) -> None:
        attempts, next_try = 0, 0.0
        while not self._stopping.wait(_TICK):
            client = self._client
            if client is None:
                return
            self._notice(client)
            now = time.monotonic()
            trouble = self._trouble(client, now)
            if trouble is None and now > next_try + _STABLE:
                attempts = 0
            if trouble is None or now < next_try:
                continue
            wait = self._reconnect(client, trouble, attempts)
            # Count successes too: a connection that closes immediately must not be retried immediately.
            attempts += 1
            next_try = time.monotonic() + max(wait, _PAUSES[min(attempts, len(_PAUSES) - 1)])

    def _trouble(self, client: _Client, now: float) -> str | None:
        if client.ended:
            return "Disconnected from Slack"
        if now - self._last_heard > self._silence:
            return "Slack is silent"
        return "Slack is closing the connection" if client.told_to_move.is_set() else None

    def _notice(self, client: _Client) -> None:
        """Note new pongs, and announce each new connection once."""
        session = client.current_session
        if session is None:
            return
        pong = (session, session.last_pong_tm)
        if pong != self._last_pong:
            self._last_pong = pong
            self._heard()
        if session is not self._session and client.is_connected():
            self._session = session
            self.connections += 1
            _log.info("Connected to Slack.")
            try:
                self._on_connected()
            except Exception:  # noqa: BLE001 - the watchdog must survive any failure of reconciling
                _log.exception("Reconciling after the connection failed.")

    def _reconnect(self, client: _Client, trouble: str, attempts: int) -> float:
        """Try once; return the minimum number of seconds before the next attempt."""
        if attempts == 0:
            _log.info("%s; reconnecting.", trouble)
        try:
            client.move(force=not client.ended)
        except RateLimitedError as fault:
            return fault.retry_after
        except (TierbotError, OSError, SlackClientError) as fault:
            if attempts == 0 or attempts >= len(_PAUSES) - 1:
                _log.warning("%s, and reconnecting failed; still trying. %s", trouble, fault)
        else:
            self._heard()
        return 0.0


def _end(session: WebSocketApp) -> None:
    """Close a connection without the usual wait of up to 3 s for the peer's close frame."""
    session.keep_running = False
    sock = session.sock.sock if session.sock is not None else None
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)  # its reader sees the end and closes the socket


def _within(until: float, work: Callable[[], None]) -> bool:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(max(0.1, until - time.monotonic()))
    return not thread.is_alive()


def _quiet_logger() -> logging.Logger:
    """Return a logger that drops the SDK's step-by-step messages; the watchdog logs what matters."""
    logging.getLogger("websocket").setLevel(logging.CRITICAL)
    logger = logging.getLogger(f"{__name__}.sdk")
    logger.setLevel(logging.WARNING)
    logger.filters[:] = [lambda record: not record.getMessage().startswith("on_error invoked")]
    return logger


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set during the block; for the main thread only.

    Enter the block before the first connection, so that a SIGTERM during startup also stops it cleanly. Once one has come, more of
    them change nothing, also after the block.
    """
    stop = threading.Event()
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in former:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        if not stop.is_set():
            for number, handler in former.items():
                signal.signal(number, handler)
