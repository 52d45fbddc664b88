"""Socket Mode: issue tickets, hold up to ten connections, send envelopes and match their acknowledgments."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from starlette.websockets import WebSocket

from tierbot.sandbox.delivery.faults import Faults
from tierbot.sandbox.kit.clock import Timer, Timers
from tierbot.sandbox.kit.errors import SlackError, Undeliverable
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.settings import Settings

CLOSE_REASONS = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")
_MAX_CONNECTIONS = 10
_REMEMBERED = 1_000  # envelopes that are no longer waited for, and may still be acknowledged
Heard = Callable[[], Coroutine[Any, Any, None] | None]


class Connection:
    """One open WebSocket of the app."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.protocol = websocket.scope["extensions"]["sandbox"]["protocol"]
        self.closing = False
        self.timers: list[Timer] = []

    async def send(self, body: dict[str, Any]) -> None:
        """Send a frame, unless the connection is silent."""
        if not self.protocol.silent:
            await self.websocket.send_text(json.dumps(body))

    async def disconnect(self, reason: str) -> None:
        """Ask the client to reconnect, and close the connection unless this is only a warning."""
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
        if reason != "warning":
            await self.close(1000)

    async def close(self, code: int) -> None:
        """Close the connection; until that is done, send nothing over it."""
        self.closing = True
        await self.websocket.close(code)


@dataclass(slots=True, eq=False)
class _Offer:
    """An envelope that awaits its acknowledgment."""

    answer: asyncio.Future[Any]
    connection: Connection
    timer: Timer
    heard: Heard


class Hub:
    """All connections of the app, and the envelopes awaiting acknowledgment."""

    def __init__(
        self, settings: Settings, timers: Timers, mint: Mint, rng: Random, faults: Faults, app_id: str
    ) -> None:
        self._settings = settings
        self._timers = timers
        self._mint = mint
        self._rng = rng
        self._faults = faults
        self._app_id = app_id
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, _Offer] = {}
        self._past: dict[str, Heard] = {}
        self._background: set[asyncio.Task[None]] = set()
        self.connections: list[Connection] = []
        self.late_acks = 0

    def issue_url(self, base_url: str) -> str:
        """Return a WebSocket URL with a ticket for one connection."""
        if self._faults.plan.link_disabled:
            raise SlackError("internal_error")
        ticket = self._mint.uuid()
        self._tickets[ticket] = self._timers.clock.time() + self._settings.timings.ticket
        return f"{base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._app_id}"

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until it ends."""
        expires = self._tickets.pop(websocket.query_params.get("ticket", ""), 0.0)
        if self._timers.clock.time() > expires:
            await websocket.close(code=4001)
            return
        await websocket.accept()
        connection = Connection(websocket)
        if len(self.connections) >= _MAX_CONNECTIONS or self._faults.plan.too_many_websockets:
            await connection.disconnect("too_many_websockets")
            return
        self.connections.append(connection)
        try:
            await self._talk(connection)
        finally:
            self._forget(connection)

    async def _talk(self, connection: Connection) -> None:
        await connection.send(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "connection_info": {"app_id": self._app_id},
                "debug_info": {
                    "host": "sandbox",
                    "build_number": 1,
                    "approximate_connection_time": int(self._settings.timings.connection),
                },
            }
        )
        self._plan_refresh(connection)
        while True:
            message = await connection.websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not connection.protocol.silent:
                self._receive(message.get("text") or "")

    def _plan_refresh(self, connection: Connection) -> None:
        def later(seconds: float, reason: str) -> None:
            timer = self._timers.call_later(seconds, lambda: self.spawn(connection.disconnect(reason)))
            connection.timers.append(timer)

        timings = self._settings.timings
        later(max(0.0, timings.connection - timings.warning), "warning")
        later(timings.connection, "refresh_requested")

    def _receive(self, text: str) -> None:
        try:
            body = json.loads(text)
            envelope_id = str(body["envelope_id"])
        except (ValueError, KeyError, TypeError):
            return  # Slack ignores frames that aren't acknowledgments
        offer = self._waiting.get(envelope_id)
        if offer is None:
            self.late_acks += 1
            asking = self._past.pop(envelope_id, lambda: None)()
            if asking is not None:
                self.spawn(asking)
        elif (asking := offer.heard()) is None:
            self._answer(envelope_id, body)
        else:
            offer.timer.stop()
            self.spawn(self._answer_after(asking, offer, envelope_id, body))

    async def _answer_after(
        self, asking: Coroutine[Any, Any, None], offer: _Offer, envelope_id: str, body: dict[str, Any]
    ) -> None:
        """Go on with an acknowledgment later; no time passes for its envelope meanwhile."""
        await asking
        if not offer.answer.done():
            offer.timer.go_on()
            self._answer(envelope_id, body)

    def _answer(self, envelope_id: str, body: dict[str, Any]) -> None:
        if not self._faults.strikes("lost_ack"):
            delay = self._faults.ack_delay()
            if delay:
                self._timers.call_later(delay, lambda: self._settle(envelope_id, body))
            else:
                self._settle(envelope_id, body)

    def _settle(self, envelope_id: str, body: dict[str, Any]) -> None:
        offer = self._waiting.get(envelope_id)
        if offer is None:
            self.late_acks += 1
        elif not offer.answer.done():
            offer.answer.set_result(body.get("payload"))

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        for timer in connection.timers:
            timer.cancel()
        for offer in self._waiting.values():
            if offer.connection is connection and not offer.answer.done():
                offer.answer.set_exception(Undeliverable("timeout"))

    async def offer(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        seconds: float,
        attempt: int = 0,
        reason: str = "",
        heard: Heard = lambda: None,
    ) -> Any:
        """Send an envelope over one connection and return the acknowledgment's payload. Raises Undeliverable.

        `heard` is called as an acknowledgment arrives; if it returns something to wait for, nothing else happens until then.
        """
        open_ = [connection for connection in self.connections if not connection.closing]
        if not open_:
            raise Undeliverable("no_connection")
        connection = self._rng.choice(open_)
        envelope_id = self._mint.uuid()
        envelope: dict[str, Any] = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def give_up() -> None:
            if not future.done():
                future.set_exception(Undeliverable("timeout"))

        timer = self._timers.call_later(seconds, give_up)
        self._waiting[envelope_id] = _Offer(future, connection, timer, heard)
        try:
            try:
                await connection.send(envelope)
            except Exception as error:  # uvicorn and Starlette raise different errors for a lost socket
                raise Undeliverable("timeout") from error
            return await future
        finally:
            timer.cancel()
            del self._waiting[envelope_id]
            self._past[envelope_id] = heard
            if len(self._past) > _REMEMBERED:
                del self._past[next(iter(self._past))]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background, with a reference so that it isn't garbage-collected."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
