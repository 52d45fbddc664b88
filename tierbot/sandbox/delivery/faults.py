"""Inject Slack's faults reproducibly, as set by a flag, the control API or the page."""

from dataclasses import dataclass, fields
from random import Random
from typing import Any


@dataclass
class FaultPlan:
    """Shares are probabilities from 0 to 1; delays are drawn uniformly from 0 to the given seconds."""

    api_429: float = 0.0
    api_500: float = 0.0
    api_lost_answer: float = 0.0
    retry_after: int = 1
    methods: tuple[str, ...] = ()
    lost_ack: float = 0.0
    slow_ack: float = 0.0
    slow_ack_seconds: float = 4.0
    drop_event: float = 0.0
    duplicate_event: float = 0.0
    reorder_event: float = 0.0
    reorder_seconds: float = 2.0
    cut_users: int | None = None  # length at which `reactions.get` truncates its user lists, even with `full`
    link_disabled: bool = False  # `apps.connections.open` fails
    events_limited: bool = False  # the app's events of this hour are used up: they are dropped, with a notice a minute
    reduced_history: bool = False  # one call a minute and 15 objects for conversations.history and .replies
    too_many_websockets: bool = False  # every new connection is turned away


class Faults:
    """Decide for each call and event whether a fault occurs."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.plan = FaultPlan()

    def change(self, changes: dict[str, Any]) -> None:
        """Set some of the plan's fields. Raises ValueError for an unknown field or an invalid value."""
        known = {item.name for item in fields(FaultPlan)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown fault: {name}; known: {', '.join(sorted(known))}")
            setattr(self.plan, name, _fit(name, value, getattr(FaultPlan(), name)))

    def strikes(self, fault: str) -> bool:
        """Return whether a fault of the plan occurs this time."""
        share: float = getattr(self.plan, fault)
        return share > 0 and self._rng.random() < share

    def api(self, method: str) -> str | None:
        """Return this call's fault: `429`, `500`, `lost_answer` (done, but answered with a 500) or None."""
        if self.plan.methods and method not in self.plan.methods:
            return None
        return next((fault for fault in ("429", "500", "lost_answer") if self.strikes(f"api_{fault}")), None)

    def ack_delay(self) -> float:
        """Return this acknowledgment's delay in seconds."""
        return self._rng.uniform(0, self.plan.slow_ack_seconds) if self.strikes("slow_ack") else 0.0

    def event_delay(self) -> float:
        """Return this event's delay in seconds, which lets later events overtake it."""
        return self._rng.uniform(0, self.plan.reorder_seconds) if self.strikes("reorder_event") else 0.0


def _fit(name: str, value: Any, example: Any) -> Any:
    if name == "methods":
        return tuple(str(item) for item in value)
    if name == "cut_users":
        return None if value is None else int(value)
    if isinstance(example, bool):
        return bool(value)
    number = float(value)
    is_share = isinstance(example, float) and not name.endswith("seconds")
    if number < 0 or (is_share and number > 1):
        raise ValueError(f"{name} must be {'between 0 and 1' if is_share else 'positive'}, not {value!r}")
    return int(number) if isinstance(example, int) else number
