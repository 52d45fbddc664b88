"""Socket Mode that stays alive: connect, watch, reconnect, drain, leave.

Built on the SDK's client over websocket-client, with what it lacks: it notices an ended connection at once and a silent one
also before its first pong, retries with growing pauses, and stops in order: nothing new is taken, what was taken is finished
and acknowledged, then the connection closes.
"""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
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
from websocket import WebSocket, WebSocketApp

from tierbot.adapters.slack.connection.intake import answer
from tierbot.adapters.slack.errors import call
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Meter, NoMeter, RateLimitedError

_log = logging.getLogger(__name__)

_PING = 5.0  # seconds between pings
_SILENCE = 20.0  # seconds without any sign of life until the connection is replaced
_OPENING = 5.0  # seconds to wait for the first connection; the watchdog goes on from there
_TICK = 0.5  # seconds between the watchdog's looks
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the n-th attempt to reconnect
_SETTLED = 10.0  # seconds after which a connection is taken for a lasting one
_WORKERS = 32  # those who wait together are written together


class _Client(SocketModeClient):
    """The SDK's client, which leaves reconnecting to the watchdog and does not sleep when rate limited."""

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

    def is_connected(self) -> bool:
        """Say whether the current connection is open, rather than being made or gone."""
        session = self.current_session
        return session is not None and session is self._opened and session is not self._ended

    @property
    def ended(self) -> bool:
        """Whether the current connection is gone; False while it is still being made."""
        return self.current_session is None or self.current_session is self._ended

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """Note that Slack announced the end; the SDK would reconnect at once, however often it is turned away."""
        self.told_to_move.set()

    def move(self, *, force: bool) -> None:
        """Close the connection and open a new one; without `force` only if none stands."""
        self.told_to_move.clear()
        super().connect_to_new_endpoint(force=force)

    def connect(self) -> None:
        super().connect()
        session = self.current_session
        if session is not None:
            session.close = partial(_end, session)  # type: ignore[method-assign]

    def issue_new_wss_url(self) -> str:
        answer = call("apps.connections.open", self.web_client.apps_connections_open, app_token=self.app_token)
        return str(answer["url"])

    def _run_current_session(self) -> None:
        """Read one connection to its end, once: the SDK would go on asking for an address that Slack gave out once."""
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
                self._wire.shutdown()  # type: ignore[no-untyped-call] # websocket-client leaves a socket open that the other side closed

    def _note_open(self, session: WebSocketApp) -> None:
        self._opened, self._wire = session, session.sock
        self.decided.set()

    def _note_end(self, session: WebSocketApp) -> None:
        self._ended = session

    def _note_error(self, session: WebSocketApp, fault: Exception) -> None:
        self._ended = session
        _log.info("The connection to Slack ended: %s", fault)


class _Gate:
    """Counts the requests being worked on, and lets no more in once closed."""

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
        """Let nobody in any more; wait for the rest to leave until the monotonic time `until`."""
        with self._condition:
            self._open = False
            return self._condition.wait_for(lambda: self._inside == 0, max(0.0, until - time.monotonic()))


class SocketRunner:
    """Keeps one Bolt app connected by Socket Mode.

    `on_connected` runs after every new connection, the first included: what was missed meanwhile can be
    reconciled then. Times are seconds.
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
        """How many were made, the first included."""
        self._silence = silence
        self._gate = _Gate()
        self._stopping = threading.Event()
        self._make_client: Callable[[], _Client] = lambda: _Client(
            app_token=app_token,
            web_client=web_client,
            ping_interval=ping,
            concurrency=_WORKERS,
            on_message_listeners=[lambda *_: self._heard()],
        )
        self._client: _Client | None = None
        self._watchdog = threading.Thread(target=self._watch, name="slack-watchdog", daemon=True)
        self._last_sign = time.monotonic()
        self._last_pong: tuple[WebSocketApp | None, float] = (None, 0.0)
        self._session: WebSocketApp | None = None

    def dead(self) -> str | None:
        """Say if what keeps the connection has ended, though nobody stopped it; None if it goes on."""
        gone = self._watchdog.ident is not None and not self._watchdog.is_alive() and not self._stopping.is_set()
        return f"{self._watchdog.name} has ended" if gone else None

    @property
    def connected(self) -> bool:
        """Whether a connection stands now."""
        return self._client is not None and self._client.is_connected()

    def start(self) -> None:
        """Connect, and stay connected from now on.

        Raises ChatError if Slack refuses the app token; if Slack cannot be reached the watchdog goes on trying.
        """
        client = self._client = self._make_client()
        client.socket_mode_request_listeners.append(self._handle)
        try:
            client.connect()
            client.decided.wait(_OPENING)
        except ChatError:
            client.close()
            raise
        except TierbotError as fault:
            _log.warning("Not connected yet, trying on. %s", fault)
        self._heard()
        self._watchdog.start()

    def stop(self, grace: float = 8.0) -> bool:
        """Finish what was begun and disconnect within about `grace` seconds; say whether everything was finished."""
        until = time.monotonic() + grace
        self._stopping.set()
        idle = self._gate.close(until - grace / 4)
        return all([idle, _within(until - grace / 8, self._drain_listeners), _within(until, self._close)])

    def _drain_listeners(self) -> None:
        self._app.listener_runner.listener_executor.shutdown(wait=True)

    def _close(self) -> None:
        if self._watchdog.is_alive():
            self._watchdog.join()
        if self._client is not None:
            self._client.closed = True
            self._client.message_queue.put(None)  # its reader looks at `closed` once a second, or when something comes
            self._client.close()

    # --- requests ---------------------------------------------------------------------------------

    def _handle(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        if not self._gate.enter():
            return  # not acknowledged: Slack delivers it again, to another connection or after the restart
        try:
            self._dispatch(client, request)
        finally:
            self._gate.leave()

    def _dispatch(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        started = time.time()
        response = answer(self._app, request, self._meter)
        self._acknowledge(partial(send_response, client, request, response, started))

    @staticmethod
    def _acknowledge(send: Callable[[], None]) -> None:
        try:
            send()
        except SlackClientError as fault:
            _log.info("An acknowledgement could not be sent; Slack will deliver again. %s", fault)

    # --- watchdog ---------------------------------------------------------------------------------

    def _heard(self) -> None:
        self._last_sign = time.monotonic()

    def _watch(self) -> None:
        attempts, next_try = 0, 0.0
        while not self._stopping.wait(_TICK):
            client = self._client
            if client is None:
                return
            self._notice(client)
            now = time.monotonic()
            trouble = self._trouble(client, now)
            if trouble is None and now > next_try + _SETTLED:
                attempts = 0
            if trouble is None or now < next_try:
                continue
            wait = self._reconnect(client, trouble, attempts)
            # Counted also when it succeeded: a connection that ends at once must not be asked for at once again.
            attempts += 1
            next_try = time.monotonic() + max(wait, _PAUSES[min(attempts, len(_PAUSES) - 1)])

    def _trouble(self, client: _Client, now: float) -> str | None:
        if client.ended:
            return "Disconnected from Slack"
        if now - self._last_sign > self._silence:
            return "Slack is silent"
        return "Slack announced the connection's end" if client.told_to_move.is_set() else None

    def _notice(self, client: _Client) -> None:
        """Take pongs as signs of life, and say once of each new connection that it stands."""
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
            except Exception:  # noqa: BLE001 - the watchdog must live whatever reconciling does
                _log.exception("What was to follow the connection failed.")

    def _reconnect(self, client: _Client, trouble: str, attempts: int) -> float:
        """Try once; return how many seconds to wait at least before the next attempt."""
        if attempts == 0:
            _log.info("%s; reconnecting.", trouble)
        try:
            client.move(force=not client.ended)
        except RateLimitedError as fault:
            return fault.retry_after
        except (TierbotError, OSError, SlackClientError) as fault:
            if attempts == 0 or attempts >= len(_PAUSES) - 1:
                _log.warning("%s and cannot be reached yet; trying on. %s", trouble, fault)
        else:
            self._heard()
        return 0.0


def _end(session: WebSocketApp) -> None:
    """Close a connection without waiting up to 3 s for the other side's farewell, while acknowledgements queue."""
    session.keep_running = False
    sock = session.sock.sock if session.sock is not None else None
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)  # its reader sees the end and closes it


def _within(until: float, work: Callable[[], None]) -> bool:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(max(0.1, until - time.monotonic()))
    return not thread.is_alive()


def _quiet_logger() -> logging.Logger:
    """Return a logger for the SDK, which tells every step; the watchdog tells what matters."""
    logging.getLogger("websocket").setLevel(logging.CRITICAL)
    logger = logging.getLogger(f"{__name__}.sdk")
    logger.setLevel(logging.WARNING)
    logger.filters[:] = [lambda record: not record.getMessage().startswith("on_error invoked")]
    return logger


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, for as long as the block lasts; only in the main thread.

    Begin the block before the first connection: a SIGTERM during the start ends the start in order, too.
    """
    stop = threading.Event()
    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in former:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def wait_for_signal() -> None:
    """Block the main thread until SIGTERM or SIGINT comes."""
    with stop_signals() as stop:
        stop.wait()
