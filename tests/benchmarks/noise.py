"""What a noisy crowd costs, and whether the blank arm's interval tells the truth.

    python -m tests.benchmarks.noise [--seeds 5] [--rounds 6] [--posts 200] [--streams huffpost lobsters] [--json]
    python -m tests.benchmarks.noise --coverage --seeds 34 [--selection random]

The first compares the aggregators in backtests with an honest crowd and with the same people of whom 30% are lazy
(anchoring 0.4 to 0.9) and 5% are adversaries on one tag: verdict accuracy, and the final model's accuracy on rows
that nobody was shown. The second counts, with the noisy crowd, how often the 95% interval of a round's accuracy on
blank posts that were chosen at random covers the true accuracy, and how often the naive one, on all posts, does. With
`--selection random` posts are not picked for being hard, so that the naive one shows what anchoring alone does to it.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from tests.benchmarks.crowds import CROWDS
from tests.benchmarks.streams import DATA, STREAMS, StoredEncoder, without_forms
from tierbot.adapters.encoders.sentence import SentenceEncoder
from tierbot.adapters.files.archives import read_archive
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import Estimate
from tierbot.simulate.archive import labeled_archive
from tierbot.simulate.backtest import RoundResult, backtest
from tierbot.simulate.choices import AGGREGATORS, SELECTIONS, BacktestSettings

START, WINDOW, ARRIVALS = 500, 1000, 2.0
CACHE = Path("build/embeddings")
_LATER = datetime(2100, 1, 1, tzinfo=UTC)


@cache
def encoder(name: str) -> StoredEncoder:
    """Return an encoder that keeps a stream's embeddings for the next run."""
    return StoredEncoder(SentenceEncoder(), CACHE, f"first-{name}")


@cache
def first_rows(name: str, many: int) -> tuple[ArchiveRow, ...]:
    """Return the first rows of a stream without their dates: a backtest shuffles them, so drift is not taken for noise."""
    rows = list(read_archive(DATA / f"{name}.jsonl.gz", now=_LATER, strict=False))
    found = without_forms(rows[:40_000]) if name == "lobsters" else rows
    return tuple(replace(row, published_at=None) for row in found[:many])


def play(
    name: str,
    crowd: str,
    aggregator: str,
    seed: int,
    rounds: int,
    posts: int,
    learner: str = "default",
    selection: str = "mix",
) -> list[RoundResult]:
    """Replay a stream's first rows with a crowd; the seed draws the crowd, what is asked and what is said."""
    rows = first_rows(name, int(START + WINDOW + ARRIVALS * rounds * posts))
    team = CROWDS[crowd](seed, labeled_archive(rows, np.random.default_rng(seed)).tags.ids)
    settings = BacktestSettings(
        start=START,
        window=WINDOW,
        posts_per_round=posts,
        rounds=rounds,
        arrivals=ARRIVALS,
        trainers=team,
        aggregator=aggregator,
        learner=learner,
        selection=selection,
        seed=seed,
    )
    played = list(backtest(rows, settings, encoder(name), np.random.default_rng(seed)))
    encoder(name).keep()
    return played


def over_seeds(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean over seeds and the half-width of its 95% interval (normal)."""
    found = np.array(values, dtype=float)
    return float(found.mean()), float(1.96 * found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else float(
        "nan"
    )


def compare(name: str, seeds: int, rounds: int, posts: int) -> Iterator[dict[str, object]]:
    """Yield one row for each crowd and aggregator, and what noise costs each aggregator (paired by seed)."""
    final: dict[tuple[str, str], list[float]] = {}
    for aggregator in AGGREGATORS:
        for crowd in CROWDS:
            games = [play(name, crowd, aggregator, seed, rounds, posts) for seed in range(seeds)]
            verdicts = [float(np.mean([r.verdict_accuracy for r in game if r.verdict_accuracy])) for game in games]
            silent = [sum(r.abstentions for r in game) / sum(r.posts for r in game) for game in games]
            final[crowd, aggregator] = [float(game[-1].window_accuracy or 0) for game in games]
            row = {"verdict_accuracy": verdicts, "abstained": silent, "final_accuracy": final[crowd, aggregator]}
            yield {"stream": name, "crowd": crowd, "aggregator": aggregator} | {
                k: over_seeds(v) for k, v in row.items()
            }
        lost = np.subtract(final["honest", aggregator], final["noisy", aggregator])
        yield {"stream": name, "aggregator": aggregator, "noise_costs": over_seeds(lost.tolist())}


def coverage(name: str, aggregator: str, seeds: int, rounds: int, posts: int, selection: str) -> dict[str, object]:
    """Return how often both intervals cover the true accuracy of the articles that came in, over seeds × rounds."""
    found: dict[str, list[tuple[bool, float, float, int]]] = {"blank": [], "all": []}
    for seed in range(seeds):
        for result in play(name, "noisy", aggregator, seed, rounds, posts, selection=selection):
            truth = result.arrived_accuracy.value
            for arm, kept in found.items():
                said = result.reported[arm]
                if truth is not None and said.value is not None and said.low is not None and said.high is not None:
                    kept.append((said.low <= truth <= said.high, said.value - truth, said.high - said.low, said.n))
    row: dict[str, object] = {"stream": name, "aggregator": aggregator, "selection": selection}
    for arm, kept in found.items():
        covered, errors, widths, ns = (np.array(column, dtype=float) for column in zip(*kept, strict=True))
        share = Estimate.of_share(covered.sum(), len(covered))
        row[arm] = {
            "intervals": share.n,
            "covered": share.value,
            "low": share.low,
            "high": share.high,
            "bias": float(errors.mean()),
            "mean_width": float(widths.mean()),
            "mean_n": float(ns.mean()),
        }
    return row


def main() -> None:
    """Print a line for each row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--posts", type=int, default=200)
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--aggregators", nargs="+", default=AGGREGATORS, choices=AGGREGATORS)
    parser.add_argument("--selection", default="mix", choices=SELECTIONS, help="for --coverage")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    how = (options.seeds, options.rounds, options.posts)
    for name in options.streams:
        covered = (coverage(name, one, *how, options.selection) for one in options.aggregators)
        rows = covered if options.coverage else compare(name, *how)
        for row in rows:
            print(json.dumps(row) if options.json else "  ".join(_cells(row)), flush=True)


def _cells(row: dict[str, object]) -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, tuple):
            yield f"{name} {value[0]:.3f} ±{value[1]:.3f}"
        elif isinstance(value, dict):
            yield f"{name}: " + ", ".join(f"{key} {number:.3f}" for key, number in value.items())
        else:
            yield f"{value!s:13}"


if __name__ == "__main__":
    main()
