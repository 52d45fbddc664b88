"""How many wrong pre-filled tags each aggregator accepts when colleagues click what is shown.

Run: python -m tests.benchmarks.test_anchoring [--seeds 5] [--posts 1000] [--json]
or:  pytest tests/benchmarks/test_anchoring.py     (about a minute of one core)

A crowd of 30 trainers judges posts over 64 tags; the classifier is right on 73% of them, and errs half of the
time among the true tag's siblings. A trainer who meets a tag on display clicks it unread with her own
probability, 0.35 on average for mild anchoring and 0.67 for strong: with five votes a post a majority then
accepts about 34% and 80% of the wrong pre-fills, as in the pre-study. 15% of posts are blank.
"""

import argparse
import json
from functools import cache

import numpy as np

from tests.support.anchoring import (
    ANCHORING,
    CROWD_METHODS,
    NOON,
    best,
    by_anchor_aware,
    by_crowd,
    calibration_error,
    measures,
    play,
)
from tierbot.domain.feedback.verdict import PlainRule


def test_an_anchor_aware_verdict_accepts_far_fewer_wrong_pre_fills() -> None:
    for level, most in (("mild", 0.12), ("strong", 0.42)):
        found = mean_over_seeds(level, 5, 1000)
        assert found["anchor-aware"]["wrong_accepted"] <= most
        assert found["anchor-aware"]["wrong_accepted"] < found["majority"]["wrong_accepted"] / 1.8
        assert found["anchor-aware"]["correct"] > found["majority"]["correct"]


def test_without_anchoring_nothing_is_lost() -> None:
    found = mean_over_seeds("none", 5, 1000)
    assert found["anchor-aware"]["correct"] > found["majority"]["correct"] - 0.01


def one_run(anchoring: float, seed: int, posts: int) -> dict[str, dict[str, float]]:
    game = play(anchoring, seed, posts=posts)
    rule = PlainRule()
    plain = {p.id: rule.settle(p, game.votes[p.id], ledger_cursor=1, now=NOON) for p in game.posts}
    ours = by_anchor_aware(game)
    found = {method: measures(game, by_crowd(game, method)) for method in CROWD_METHODS}
    found["plain rule"] = measures(game, {id_: best(verdict) for id_, verdict in plain.items()})
    found["anchor-aware"] = measures(game, {id_: best(verdict) for id_, verdict in ours.items()})
    found["anchor-aware"]["calibration_error"] = calibration_error(game, ours)
    return found


@cache
def mean_over_seeds(level: str, seeds: int, posts: int) -> dict[str, dict[str, float]]:
    """Return method → measure → mean over the seeds, and its 95% half-width as `±measure`."""
    runs = [one_run(ANCHORING[level], seed, posts) for seed in range(seeds)]
    result: dict[str, dict[str, float]] = {}
    for method in runs[0]:
        for measure in runs[0][method]:
            values = np.array([run[method][measure] for run in runs])
            row = result.setdefault(method, {})
            row[measure] = float(values.mean())
            row[f"±{measure}"] = float(1.96 * values.std(ddof=1) / np.sqrt(seeds))
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for level in ANCHORING:
        for method, row in mean_over_seeds(level, options.seeds, options.posts).items():
            if options.json:
                print(json.dumps({"anchoring": level, "method": method, **row}))
            else:
                cells = (f"{name} {row[name]:.3f} ±{row[f'±{name}']:.3f}" for name in row if name[0] != "±")
                print(f"{level:7}{method:14}", "  ".join(cells))


if __name__ == "__main__":
    main()
