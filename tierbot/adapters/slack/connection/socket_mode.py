"""Socket Mode that stays alive: connect, watch, reconnect, drain, leave.

Built on the SDK's own client, with what it lacks: it reads frame by frame (see frames.py), notices an ended
connection at once (the SDK would spin on it until some pings fail), a silent one also before its first pong, retries
with growing pauses, and stops in order: nothing new is taken, what was taken is finished and acknowledged, then the
connection closes.
"""

import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import orjson
from slack_bolt.adapter.socket_mode.internals import send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.builtin.connection import Connection
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from tierbot.adapters.slack.app import SlackApp
from tierbot.adapters.slack.connection.frames import FrameSocket
from tierbot.adapters.slack.connection.intake import answer, tell
from tierbot.adapters.slack.errors import call
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Meter, NoMeter, RateLimitedError

_log = logging.getLogger(__name__)

_PING = 5.0  # seconds between pings
_SILENCE = 20.0  # seconds without any sign of life until the connection is replaced
_TICK = 0.5  # seconds between the watchdog's looks
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the n-th attempt to reconnect
_SETTLED = 10.0  # seconds after which a connection is taken for a lasting one
_WORKERS = 32  # those who wait together are written together


class _Client(SocketModeClient):
    """The SDK's client, which leaves reconnecting to the watchdog and does not sleep when rate limited."""

    def __init__(self, first: Callable[["_Client", str], bool], **arguments: Any) -> None:
        """`first` is offered each message; what it does not take goes to the SDK's listeners."""
        self.told_to_move = threading.Event()
        self._first = first
        super().__init__(**arguments)

    def enqueue_message(self, message: str) -> None:
        """Offer a message, then let it wait for a thread of the SDK's."""
        if not self._first(self, message):
            super().enqueue_message(message)

    def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the SDK's signature
        """Note that Slack announced the end; the SDK would reconnect at once, as often as it is turned away."""
        self.told_to_move.set()

    def move(self, *, force: bool) -> None:
        """Open a new connection, then close the old one; without `force` only if none stands."""
        self.told_to_move.clear()
        super().connect_to_new_endpoint(force=force)

    def connect(self) -> None:
        super().connect()
        session = self.current_session
        if session is not None and session.sock is not None:
            session.sock = FrameSocket(session.sock)  # type: ignore[assignment]
            session.close = partial(_end, session)  # type: ignore[method-assign]

    def issue_new_wss_url(self) -> str:
        answer = call("apps.connections.open", self.web_client.apps_connections_open, app_token=self.app_token)
        return str(answer["url"])

    def _on_error(self, error: Exception) -> None:
        _log.info("The connection to Slack ended: %s", error)


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
        app: SlackApp,
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
            self._take,
            app_token=app_token,
            web_client=web_client,
            logger=_quiet_logger(),
            auto_reconnect_enabled=False,
            ping_interval=ping,
            concurrency=_WORKERS,
            on_message_listeners=[lambda _: self._heard()],
        )
        self._client: _Client | None = None
        self._watchdog = threading.Thread(target=self._watch, name="slack-watchdog", daemon=True)
        self._last_sign = time.monotonic()
        self._last_pong: tuple[str | None, float | None] = (None, None)
        self._session: str | None = None

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

    def _take(self, client: _Client, message: str) -> bool:
        """Let the lane take a message, in the thread that reads; it is acknowledged by the one that committed it."""
        began = time.monotonic()
        envelope = _events_envelope(message)
        if envelope is None or not self._gate.enter():
            return False
        envelope_id, payload = envelope

        def done(acknowledged: bool) -> None:
            try:
                tell(self._meter, payload, time.monotonic() - began, acknowledged=acknowledged)
                if acknowledged:
                    self._acknowledge(partial(client.send_message, json.dumps({"envelope_id": envelope_id})))
            finally:
                self._gate.leave()

        taken = self._app.lane.take(payload, done)
        if not taken:
            self._gate.leave()
        return taken

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
        if not client.is_connected():
            return "Disconnected from Slack"
        if now - self._last_sign > self._silence:
            return "Slack is silent"
        return "Slack announced the connection's end" if client.told_to_move.is_set() else None

    def _notice(self, client: _Client) -> None:
        """Take pongs as signs of life, and say once of each new connection that it stands."""
        session = client.current_session
        if session is None:
            return
        pong = (session.session_id, session.last_ping_pong_time)
        if pong != self._last_pong:
            self._last_pong = pong
            self._heard()
        if session.session_id != self._session and session.is_active():
            self._session = session.session_id
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
            client.move(force=client.is_connected())
        except RateLimitedError as fault:
            return fault.retry_after
        except (TierbotError, OSError, SlackClientError) as fault:
            if attempts == 0 or attempts >= len(_PAUSES) - 1:
                _log.warning("%s and cannot be reached yet; trying on. %s", trouble, fault)
        else:
            self._heard()
        return 0.0


def _events_envelope(message: str) -> tuple[str, dict[str, Any]] | None:
    """Return id and payload of an Events API envelope; None if the message is anything else."""
    try:
        envelope = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(envelope, dict) or envelope.get("type") != "events_api":
        return None
    envelope_id, payload = envelope.get("envelope_id"), envelope.get("payload")
    return (envelope_id, payload) if isinstance(envelope_id, str) and isinstance(payload, dict) else None


def _end(session: Connection) -> None:
    """Close a connection without waiting up to 3 s for its reader, while acknowledgements queue behind it."""
    sock = session.sock
    if sock is None:
        return
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    until = time.monotonic() + 1.0
    while session.is_active() and time.monotonic() < until:  # its reader sees the end and closes it
        time.sleep(0.01)
    if session.is_active():
        session.disconnect()


def _within(until: float, work: Callable[[], None]) -> bool:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(max(0.1, until - time.monotonic()))
    return not thread.is_alive()


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger(f"{__name__}.sdk")
    logger.setLevel(logging.WARNING)  # it tells every step, and the watchdog tells what matters
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
