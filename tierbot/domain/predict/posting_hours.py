"""When to post: at the hours at which posts found most voters so far, with a share of even draws and its propensity.

The hour is a bandit's arm. How many vote on a post put up at an hour is estimated from what that hour brought, shrunk to
the mean over all hours while there is little; candidates are given by the schedule, so quiet hours stay quiet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

_STRENGTH = 10.0  # posts that an hour needs before its own mean outweighs the mean over all


@dataclass(frozen=True, slots=True)
class Slot:
    """A moment to post at: the voters expected on a post, and the probability with which it was drawn, in (0, 1]."""

    at: datetime
    expected: float
    propensity: float


def voters_by_hour(found: Iterable[tuple[int, int]]) -> dict[int, float]:
    """Return the voters expected on a post by the hour it was put up, from (hour, voters); every hour has one."""
    seen = np.array(list(found), dtype=float).reshape(-1, 2)
    mean = float(seen[:, 1].mean()) if len(seen) else 0.0
    return {
        hour: float((seen[seen[:, 0] == hour, 1].sum() + mean * _STRENGTH) / ((seen[:, 0] == hour).sum() + _STRENGTH))
        for hour in range(24)
    }


def choose_slot(
    slots: Sequence[tuple[datetime, int]],
    expected: Mapping[int, float],
    rng: np.random.Generator,
    explore: float = 0.2,
) -> Slot:
    """Draw one of the slots, (moment, local hour): the most promising one, or with `explore` any of them alike.

    Equal promise goes to the earliest. Raises ValueError if there is none.
    """
    if not slots:
        raise ValueError("There is no moment to choose from.")
    promise = np.array([expected.get(hour, 0.0) for _, hour in slots])
    pi = np.full(len(slots), explore / len(slots))
    pi[int(promise.argmax())] += 1 - explore
    at = int(rng.choice(len(slots), p=pi / pi.sum()))
    return Slot(slots[at][0], float(promise[at]), float(pi[at]))
