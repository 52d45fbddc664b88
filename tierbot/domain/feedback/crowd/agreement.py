"""Measures agreement: Krippendorff's α of a crowd, and each trainer's reliability with an interval."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tierbot.domain.feedback.crowd.table import CrowdTable
from tierbot.domain.nouns import TierbotError

V = TypeVar("V", bound=Hashable)

_LEAST_PRIOR, _MOST_PRIOR = 2.0, 50.0  # bounds of the prior's strength, in judged posts


def nominal(one: Hashable, other: Hashable) -> float:
    """Return the distance of unordered categories: 0 if equal, else 1."""
    return 0.0 if one == other else 1.0


def masi(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the distance of two sets of tags in [0, 1]: 1 − Jaccard × monotonicity (Passonneau, MASI, LREC 2006)."""
    if one == other:
        return 0.0
    common = one & other
    if not common:
        return 1.0
    monotonicity = 2 / 3 if one <= other or other <= one else 1 / 3
    return 1 - len(common) / len(one | other) * monotonicity


def krippendorff_alpha(units: Iterable[Sequence[V]], distance: Callable[[V, V], float] = nominal) -> float | None:
    """Return Krippendorff's α: 1 is perfect agreement, 0 is chance, below 0 is systematic disagreement.

    units: the answers to each item, one per rater who answered it; items with a single answer are left out. None
    if α is undefined, because no item has two answers or all answers are the same.
    K. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability".
    """
    pairable = [answers for answers in units if len(answers) > 1]
    values = {value: at for at, value in enumerate(dict.fromkeys(v for answers in pairable for v in answers))}
    if len(values) < 2:  # noqa: PLR2004 - a single value cannot vary
        return None
    counts = np.zeros((len(pairable), len(values)))
    for row, answers in enumerate(pairable):
        for value in answers:
            counts[row, values[value]] += 1
    apart = np.array([[distance(one, other) for other in values] for one in values])
    size, total = counts.sum(axis=1), counts.sum(axis=0)
    observed = float(np.einsum("uv,uv->u", counts @ apart, counts) @ (1 / (size - 1))) / size.sum()
    expected = float(total @ apart @ total) / (size.sum() * (size.sum() - 1))
    return float(1 - observed / expected) if expected > 0 else None


def crowd_alpha(table: CrowdTable) -> float | None:
    """Return α of a crowd table, without a worker's answers to items that they gave several labels."""
    units: list[list[int]] = [[] for _ in table.items]
    single = table.weight > 1 - 1e-9
    for item, label in zip(table.item[single].tolist(), table.label[single].tolist(), strict=True):
        units[item].append(label)
    return krippendorff_alpha(units)


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often a trainer is right: the mean of a Beta posterior and its central 95% interval, in [0, 1]."""

    right: float  # a count, observed or expected
    judged: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """The prior for a trainer without votes: `mean` in (0, 1), worth `strength` > 0 observations."""

    mean: float
    strength: float

    def reliability(self, right: float, judged: float) -> Reliability:
        """Return the posterior after `right` of `judged`; raises TierbotError unless 0 ≤ right ≤ judged."""
        if not 0 <= right <= judged + 1e-9:
            raise TierbotError(f"A trainer can't be right {right} times out of {judged}: pass 0 ≤ right ≤ judged.")
        from scipy import special  # noqa: PLC0415 - slow to import, and only needed for intervals

        yes, no = self.mean * self.strength + right, (1 - self.mean) * self.strength + max(judged - right, 0.0)
        low, high = (float(special.betaincinv(yes, no, quantile)) for quantile in (0.025, 0.975))
        return Reliability(right, judged, yes / (yes + no), low, high)


def crowd_prior(tallies: Iterable[tuple[float, float]]) -> BetaPrior:
    """Estimate the prior from (right, judged) of each trainer: the crowd's share, and a beta-binomial's moment estimate.

    The more alike trainers are, the stronger the prior. Kleinman (1973), "Proportions with Extraneous Variance", JASA
    68.
    """
    seen = np.array([(right, judged) for right, judged in tallies if judged > 0], dtype=float).reshape(-1, 2)
    right, judged = seen[:, 0], seen[:, 1]
    mean = float((right.sum() + 1) / (judged.sum() + 2))
    if len(seen) < 3 or judged.sum() <= len(seen):  # noqa: PLR2004 - too few to estimate a spread
        return BetaPrior(mean, _LEAST_PRIOR)
    share = right / judged
    spread = float((judged * (share - mean) ** 2).sum())
    by_chance = mean * (1 - mean)
    excess = spread - by_chance * (len(seen) - 1)
    room = by_chance * (judged.sum() - (judged**2).sum() / judged.sum() - (len(seen) - 1))
    if excess <= 0 or room <= 0:
        return BetaPrior(mean, _MOST_PRIOR)
    between = excess / room  # the intraclass correlation 1 / (strength + 1)
    return BetaPrior(mean, float(np.clip(1 / between - 1, _LEAST_PRIOR, _MOST_PRIOR)))


def reliabilities(tallies: Mapping[str, tuple[float, float]]) -> dict[str, Reliability]:
    """Return each trainer's reliability from user → (right, judged), shrunk to the crowd's prior."""
    prior = crowd_prior(tallies.values())
    return {user: prior.reliability(right, judged) for user, (right, judged) in sorted(tallies.items())}
