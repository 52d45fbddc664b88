"""What goes wrong with Slack, on purpose and from a seed: set by flag, by the control API or from the page."""

from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any


@dataclass
class FaultPlan:
    """Shares are probabilities from 0 to 1; seconds are drawn evenly from 0 to the given value."""

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
    cut_users: int | None = None
    link_disabled: bool = False
    too_many_websockets: bool = False


class Faults:
    """Decides, call by call and event by event, what goes wrong."""

    def __init__(self, rng: Random, plan: FaultPlan | None = None) -> None:
        self._rng = rng
        self.plan = plan or FaultPlan()

    def change(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Set some of the plan's fields; raise `ValueError` for one that is unknown or unfit."""
        known = {item.name for item in fields(FaultPlan)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"unknown fault: {name}; known: {', '.join(sorted(known))}")
            setattr(self.plan, name, _fit(name, value, getattr(FaultPlan(), name)))
        return self.as_json()

    def clear(self) -> dict[str, Any]:
        """Let all be well again."""
        self.plan = FaultPlan()
        return self.as_json()

    def as_json(self) -> dict[str, Any]:
        """Return the plan."""
        return asdict(self.plan)

    def _strikes(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def api(self, method: str) -> str | None:
        """Return what befalls this call: `429`, `500`, `lost_answer` (done, but the answer is a 500) or nothing."""
        plan = self.plan
        if plan.methods and method not in plan.methods:
            return None
        if self._strikes(plan.api_429):
            return "429"
        if self._strikes(plan.api_500):
            return "500"
        return "lost_answer" if self._strikes(plan.api_lost_answer) else None

    def loses_ack(self) -> bool:
        """Say whether this acknowledgement gets lost."""
        return self._strikes(self.plan.lost_ack)

    def ack_delay(self) -> float:
        """Return by how many seconds this acknowledgement is late."""
        slow = self._strikes(self.plan.slow_ack)
        return self._rng.uniform(0, self.plan.slow_ack_seconds) if slow else 0.0

    def drops_event(self) -> bool:
        """Say whether this event is never sent."""
        return self._strikes(self.plan.drop_event)

    def duplicates_event(self) -> bool:
        """Say whether this event is sent twice."""
        return self._strikes(self.plan.duplicate_event)

    def event_delay(self) -> float:
        """Return by how many seconds this event is held back, so that others overtake it."""
        held = self._strikes(self.plan.reorder_event)
        return self._rng.uniform(0, self.plan.reorder_seconds) if held else 0.0

    def cut_users(self) -> int | None:
        """Return after how many names `reactions.get` cuts its lists of users, even with `full`."""
        return self.plan.cut_users

    @property
    def link_disabled(self) -> bool:
        """Say whether `apps.connections.open` fails."""
        return self.plan.link_disabled

    @property
    def too_many_websockets(self) -> bool:
        """Say whether every new connection is turned away."""
        return self.plan.too_many_websockets


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
