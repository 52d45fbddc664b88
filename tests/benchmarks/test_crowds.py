"""Crowd aggregation over six public and nine simulated crowds: every method, and ours tuned on the other sets only.

Run: python -m tests.benchmarks.test_crowds [--data ../shared/data/crowd] [--crowd-kit] [--json]
or:  pytest tests/benchmarks/test_crowds.py        (needs the same data; about a minute of one core)

Leave-one-set-out: for each set the settings of `HierarchicalDawidSkene` are chosen on the others. To choose on more
numbers, each public set also enters thinned (60% of the votes, 60% of the workers, 3 or 5 votes an item), and a loss
against the majority counts threefold: no surprise is worth more than a decimal.
"""

import argparse
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.simulated_crowds import SIMULATED
from tierbot.adapters.files.crowd_files import read_truth, read_votes
from tierbot.domain.feedback.crowd.aggregators import (
    CROWD_KIT,
    DEFAULT_METHOD,
    HierarchicalDawidSkene,
    Majority,
    methods,
)
from tierbot.domain.feedback.crowd.settling import settle_crowd
from tierbot.domain.feedback.crowd.table import CrowdAggregator, CrowdResult, CrowdTable

DATA = Path(os.environ.get("TIERBOT_CROWDS", "../shared/data/crowd"))
SETS = ("adult", "cf", "cf_amt", "dog", "labelme", "web")
GRID = [HierarchicalDawidSkene(*setting) for setting in itertools.product((1.0, 2.0, 4.0, 8.0), (1.0, 2.0, 5.0, 10.0))]
# A loss of less than this against the majority is not held against a setting while tuning.
_TOLERATED = 0.005
_LOSS_COUNTS = 3.0
# How often each set is thinned anew: one draw leaves the choice to luck.
_DRAWS = 2


@dataclass(frozen=True)
class Crowd:
    """A table with the truth of some items."""

    table: CrowdTable
    truth: Mapping[str, str]

    def expected_accuracy(self, settlement: CrowdResult) -> float:
        """Accuracy with ties counted as a fair lottery, so that tuning does not chase their luck."""
        labels = {label: at for at, label in enumerate(self.table.labels)}
        right = []
        for row, item in enumerate(self.table.items):
            if item in self.truth:
                top = settlement.probabilities[row] >= settlement.probabilities[row].max() - 1e-9
                at = labels.get(self.truth[item])
                right.append(top[at] / top.sum() if at is not None else 0.0)
        return float(np.mean(right))

    def thinned(self, keep: np.ndarray) -> "Crowd":
        """Return the crowd with only the votes whose place in the table is True in `keep`."""
        table = self.table
        rows = zip(table.item[keep], table.worker[keep], table.label[keep], strict=True)
        return Crowd(
            CrowdTable.from_rows((table.items[i], table.workers[w], table.labels[k]) for i, w, k in rows), self.truth
        )

    def variants(self, rng: np.random.Generator) -> Iterator["Crowd"]:
        """Yield the crowd itself and five thinned ones."""
        table = self.table
        yield self
        for _ in range(2):
            yield self.thinned(rng.random(table.votes) < 0.6)
        yield self.thinned((rng.random(len(table.workers)) < 0.6)[table.worker])
        order = rng.permutation(table.votes)
        by_item = order[np.argsort(table.item[order], kind="stable")]
        first = np.searchsorted(table.item[by_item], np.arange(len(table.items)))
        rank = np.empty(table.votes, dtype=int)
        rank[by_item] = np.arange(table.votes) - first[table.item[by_item]]
        for most in (3, 5):
            yield self.thinned(rank < most)


def load(data: Path) -> dict[str, Crowd]:
    public = {
        name: Crowd(read_votes(data / f"{name}.label.csv"), read_truth(data / f"{name}.truth.csv")) for name in SETS
    }
    return public | {name: _simulated(name, seed=0) for name in SIMULATED}


def _simulated(name: str, seed: int) -> Crowd:
    rows, truth = SIMULATED[name].rows(np.random.default_rng([seed, len(name)]))
    return Crowd(CrowdTable.from_rows(rows), truth)


def scores(aggregator: CrowdAggregator, variants: list[Crowd]) -> np.ndarray:
    return np.array([crowd.expected_accuracy(aggregator.settle(crowd.table)) for crowd in variants])


def leave_one_set_out(crowds: Mapping[str, Crowd], seed: int = 0) -> dict[str, tuple[HierarchicalDawidSkene, float]]:
    """Return for each set the setting chosen on the others, and its accuracy there (on the set as it is)."""
    variants: dict[str, list[Crowd]] = {name: [] for name in crowds}
    for draw in range(_DRAWS):
        rng = np.random.default_rng([seed, draw])
        for name, crowd in crowds.items():
            variants[name] += crowd.variants(rng) if name in SETS else [_simulated(name, draw)]
    majority = {name: scores(Majority(), variants[name]) for name in variants}
    table = {name: np.array([scores(setting, variants[name]) for setting in GRID]) for name in variants}
    found = {}
    for name in crowds:
        # (settings,): the mean over the other sets and their variants, losses against the majority on top.
        others = [
            table[o].mean(axis=1) + _LOSS_COUNTS * np.minimum(table[o] - majority[o] + _TOLERATED, 0).mean(axis=1)
            for o in crowds
            if o != name
        ]
        best = int(np.mean(others, axis=0).argmax())
        found[name] = (GRID[best], float(table[name][best, 0]))
    return found


def side_by_side(crowds: Mapping[str, Crowd], names: list[str]) -> dict[str, list[float]]:
    """Return method → accuracy on each set, as `tierbot settle` reports it."""
    return {
        name: [settle_crowd(crowd.table, crowd.truth, name).accuracy.value or 0.0 for crowd in crowds.values()]
        for name in names
    }


@pytest.fixture(scope="module")
def crowds() -> dict[str, Crowd]:
    if not DATA.is_dir():
        pytest.skip(f"no crowd data at {DATA}; set TIERBOT_CROWDS")
    return load(DATA)


def test_the_default_is_accurate_and_never_far_below_the_majority(crowds: dict[str, Crowd]) -> None:
    ours = np.array(side_by_side(crowds, [DEFAULT_METHOD])[DEFAULT_METHOD])
    majority = np.array([scores(Majority(), [crowd])[0] for crowd in crowds.values()])
    assert ours[: len(SETS)].mean() >= 0.825
    assert (ours >= majority - 0.005).all()


def test_tuned_on_the_other_sets_only_it_still_is(crowds: dict[str, Crowd]) -> None:
    found = leave_one_set_out(crowds)
    majority = {name: scores(Majority(), [crowd])[0] for name, crowd in crowds.items()}
    assert np.mean([found[name][1] for name in SETS]) >= 0.825
    assert all(value >= majority[name] - 0.005 for name, (_, value) in found.items())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--crowd-kit",
        action="store_true",
        help="also run crowd-kit's own (needs .[crowd]), on the public crowds alone: with many labels, GLAD takes minutes",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    crowds = load(options.data)
    if options.crowd_kit:
        crowds = {name: crowds[name] for name in SETS}
    kits = [f"crowd-kit/{name}" for name in CROWD_KIT] if options.crowd_kit else []
    names = [name for name in methods() if not name.startswith("crowd-kit/")] + kits
    lines = {"majority, ties as a lottery": [scores(Majority(), [crowd])[0] for crowd in crowds.values()]}
    lines |= side_by_side(crowds, names)
    found = leave_one_set_out(crowds)
    lines["hierarchical, tuned on the other sets"] = [value for _, value in found.values()]
    for name, values in lines.items():
        row = dict(zip(crowds, values, strict=True)) | {"mean of the public ones": float(np.mean(values[: len(SETS)]))}
        if options.json:
            print(json.dumps({"method": name, **row}))
        else:
            print(f"{name:40}" + "".join(f" {key} {value:.3f}" for key, value in row.items()))
    for name, (setting, _) in found.items():
        print(json.dumps({"without": name, "chosen": repr(setting)}) if options.json else f"{name}: {setting}")


if __name__ == "__main__":
    main()
