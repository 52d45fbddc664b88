"""What became of each event: the sandbox's own record, to compare with what an app has stored."""

from dataclasses import dataclass
from typing import Any

from tierbot.sandbox.kit.clock import Clock


@dataclass(slots=True)
class Tracked:
    """One event. `became` is `pending`, `acknowledged`, `given_up`, `dropped`, `rate_limited` or `not_sent`; `why` says more.

    `acks` counts the acknowledgments that the app sent, also those that were then lost to a fault or came too late;
    `acked_at` is when the first arrived. Times are seconds since the epoch.
    """

    event_id: str
    type: str
    event_ts: str
    at: float
    became: str = "pending"
    why: str = ""
    acks: int = 0
    acked_at: float | None = None
    under_way: int = 0

    def acknowledged(self, now: float) -> None:
        """Record that an acknowledgment arrived."""
        self.acks += 1
        if self.acked_at is None:
            self.acked_at = now

    def arrived(self) -> None:
        """Record that a delivery ended with an acknowledgment."""
        self.under_way -= 1
        self.became, self.why = "acknowledged", ""

    def gave_up(self, why: str) -> None:
        """Record that a delivery was given up; another one of the same event may still arrive, or has arrived."""
        self.under_way -= 1
        if not self.under_way and self.became == "pending":
            self.became, self.why = "given_up", why


class Tracker:
    """All events since the start, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.events: list[Tracked] = []

    def sent(self, body: dict[str, Any]) -> Tracked:
        """Start tracking an event callback."""
        event = body["event"]
        return self._add(Tracked(body["event_id"], event["type"], str(event.get("event_ts", "")), self._clock.time()))

    def not_sent(self, kind: str, event_ts: str, why: str) -> None:
        """Record an event that the app isn't told of."""
        self._add(Tracked("", kind, event_ts, self._clock.time(), "not_sent", why))

    def _add(self, event: Tracked) -> Tracked:
        self.events.append(event)
        return event
