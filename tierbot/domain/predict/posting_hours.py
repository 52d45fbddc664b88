"""Chooses when to post with a bandit over hours, from those that the schedule leaves, with a logged propensity."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

_STRENGTH = 10.0  # posts at an hour before its own mean outweighs the overall mean


@dataclass(frozen=True, slots=True)
class Slot:
    """A time to post, with the expected number of voters on a post and the probability of this draw, in (0, 1]."""

    at: datetime
    expected: float
    propensity: float


def voters_by_hour(found: Iterable[tuple[int, int]]) -> dict[int, float]:
    """Estimate the number of voters on a post for each of the 24 hours, from (hour, voters) of earlier posts."""
    seen = np.array(list(found), dtype=float).reshape(-1, 2)
    mean = float(seen[:, 1].mean()) if len(seen) else 0.0
    return {
        hour: float((seen[seen[:, 0] == hour, 1].sum() + mean * _STRENGTH) / ((seen[:, 0] == hour).sum() + _STRENGTH))
        for hour in range(24)
    }


def choose_slot(
    slots: Sequence[tuple[datetime, int]], expected: Mapping[int, float], rng: np.random.Generator, explore: float = 0.2
) -> Slot:
    """Draw a slot, (time, local hour): the first with the most expected voters, or with `explore` any of them."""
    if not slots:
        raise ValueError("There are no slots to choose from.")
    voters = np.array([expected.get(hour, 0.0) for _, hour in slots])
    pi = np.full(len(slots), explore / len(slots))
    pi[int(voters.argmax())] += 1 - explore
    at = int(rng.choice(len(slots), p=pi / pi.sum()))
    return Slot(slots[at][0], float(voters[at]), float(pi[at]))
