"""The simulated crowds that benchmarks compare: honest colleagues, and the noisy crowd of the project's numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tierbot.simulate.teams import load_trainers
from tierbot.simulate.trainers import Kind, SimulatedTrainer

SIZE = 20
LAZY, ADVERSARIES = 0.30, 0.05


def honest_crowd(seed: int, tag_ids: Sequence[str], size: int = SIZE) -> tuple[SimulatedTrainer, ...]:
    """Return `size` honest trainers with the traits of trainers.toml, drawn anew for each seed."""
    rng = np.random.default_rng([seed, 1])
    drawn: list[SimulatedTrainer] = []
    while len(drawn) < size:
        drawn += [one for one in load_trainers(None, rng, tag_ids) if one.kind is Kind.HONEST]
    return tuple(replace(one, name=f"T{number:02}") for number, one in enumerate(drawn[:size]))


def noisy_crowd(seed: int, tag_ids: Sequence[str], size: int = SIZE) -> tuple[SimulatedTrainer, ...]:
    """Return the same people, but 30% of them lazy (anchoring 0.4 to 0.9) and 5% adversaries on one tag each."""
    rng = np.random.default_rng([seed, 2])
    people = list(honest_crowd(seed, tag_ids, size))
    lazy, against = round(LAZY * size), round(ADVERSARIES * size)
    for at in range(lazy):
        people[at] = replace(
            people[at],
            kind=Kind.LAZY,
            anchoring=float(rng.uniform(0.4, 0.9)),
            herding=float(rng.uniform(0.1, 0.4)),
            effort=0.6,
        )
    for at in range(lazy, lazy + against):
        people[at] = replace(people[at], kind=Kind.ADVERSARIAL, target=tag_ids[int(rng.integers(len(tag_ids)))])
    return tuple(people)


CROWDS = {"honest": honest_crowd, "noisy": noisy_crowd}
