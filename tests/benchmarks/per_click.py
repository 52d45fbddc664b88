"""What is learned from each click: tierbot beside the libraries that one would take in its place.

    python -m tests.benchmarks.per_click [--streams …] [--seeds 5] [--methods …] [--cache DIR] [--plot FILE.png]

Everybody gets the same stream, the same 500 labeled rows to begin with, the same colleagues (20 honest ones) and the
same number of posts, 500 a round; what colleagues said is settled by the plain rule and each method learns from it as
it can. After every second round the top tag is compared with the true ones on the last 3,000 rows, which nobody was shown.
See per_click_methods.py for how each takes part. `--json FILE` keeps each run's record; runs that the file has are not
played again, so that a run that was cut short goes on. `--from FILE` draws the table from such records.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, product
from pathlib import Path
from time import process_time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.crowds import honest_crowd
from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tests.benchmarks.tables import mean_and_interval
from tierbot.domain.feedback import PlainRule, votes_of
from tierbot.domain.nouns import Arm, Post, Selection, Verdict, key
from tierbot.simulate.reactions import Seen, reactions_to
from tierbot.simulate.trainers import SimulatedTrainer

START, POSTS, ROUNDS, ARRIVALS, MOST_WAITING = 500, 500, 8, 2, 2000
MEASURED_EVERY = 2  # rounds
STEP = POSTS * MEASURED_EVERY
MARKS = (1000, 2000, 4000)
_BLANK = 0.15
_EPOCH = datetime(2024, 1, 1, 9, tzinfo=UTC)
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Told:
    """A post and what came of it; `shown` is the tag's column, `propensity` its probability."""

    row: int
    shown: int
    propensity: float
    post: Post
    verdict: Verdict
    selection: Selection
    top_tag: str


class Method(Protocol):
    """Something that asks, shows and learns."""

    def start(self, rows: Index) -> None:
        """Learn from rows whose true tags are known."""

    def ask(self, waiting: Index, count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
        """Choose which of the waiting rows to ask about."""

    def show(self, rows: Index, rng: np.random.Generator) -> list[tuple[int, float]]:
        """Choose the tag that each post shows; return its column and propensity."""

    def learn(self, told: Sequence[Told]) -> None:
        """Learn from a round."""

    def top(self, rows: Index) -> Index:
        """Return the likeliest tag's column for each row."""


def recent(stream: Stream, seed: int) -> Stream:
    """Return the part of a stream that is played: the last rows, of an undated one the last of a shuffle."""
    count = START + ROUNDS * POSTS * ARRIVALS + WINDOW
    whole = stream if stream.rows[0].published_at else stream.shuffled(seed)
    return whole.last(count)


def play(stream: Stream, method: Method, seed: int) -> Iterator[float]:
    """Yield the accuracy on the window before the first round and after every second one."""
    rng = np.random.default_rng([seed, 7])
    team = honest_crowd(seed, stream.tags.ids)
    window = np.arange(len(stream) - WINDOW, len(stream))
    method.start(np.arange(START))
    yield accuracy(stream, method, window)
    waiting = np.zeros(0, dtype=np.intp)
    for number in range(1, ROUNDS + 1):
        first = START + (number - 1) * POSTS * ARRIVALS
        waiting = np.concatenate([waiting, np.arange(first, first + POSTS * ARRIVALS)])[-MOST_WAITING:]
        chosen = method.ask(waiting, POSTS, rng)
        rows = np.array([row for row, _ in chosen], dtype=np.intp)
        waiting = np.setdiff1d(waiting, rows)
        shown, tops = method.show(rows, rng), method.top(rows)
        judged: dict[int, Counter[str]] = defaultdict(Counter)
        told = []
        for place, (row, selection) in enumerate(chosen):
            tag, propensity = shown[place]
            post, verdict = meet(stream, team, row, tag, number, place, judged, rng)
            told.append(Told(row, tag, propensity, post, verdict, selection, stream.tags.ids[tops[place]]))
        method.learn(told)
        if not number % MEASURED_EVERY:
            yield accuracy(stream, method, window)


def meet(
    stream: Stream,
    team: Sequence[SimulatedTrainer],
    row: int,
    shown: int,
    number: int,
    place: int,
    judged: dict[int, Counter[str]],
    rng: np.random.Generator,
) -> tuple[Post, Verdict]:
    """Let the team meet a post, and settle what they said; posts are spread over a week's working hours."""
    day, part = divmod(place * 5 / POSTS, 1.0)
    at = _EPOCH + timedelta(weeks=number - 1, days=day, hours=8 * part)
    arm = Arm.BLANK if rng.random() < _BLANK else Arm.TIER
    article, ids = stream.articles[row], stream.tags.ids
    name = key("post", article.id, str(row))
    post = Post(name, name, article.id, number, arm, 0.0, ids[shown], "C1", at)
    true = tuple(ids[tag] for tag in np.flatnonzero(stream.true[row]))
    events = reactions_to(Seen(post, true, at), team, stream.tags, judged[int(day)], rng)
    return post, PlainRule().settle(post, votes_of(events, post, stream.tags), ledger_cursor=0, now=at)


def accuracy(stream: Stream, method: Method, rows: Index) -> float:
    """Return the share of rows whose likeliest tag is true."""
    return float(stream.true[rows, method.top(rows)].mean())


def posts_to_reach(curve: Sequence[float], wanted: float) -> float:
    """Return after how many posts a curve (one value every STEP posts, the first before any) first reaches a value."""
    for number in range(1, len(curve)):
        if curve[number] >= wanted:
            before = min(curve[number - 1], wanted)
            part = (wanted - before) / max(curve[number] - before, 1e-12)
            return STEP * (number - 1 + part)
    return float("nan")


def table(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table: accuracy by posts, mean over seeds with its interval."""
    yield "| stream | method | " + " | ".join(f"{mark:,} posts" for mark in MARKS) + " | random's last reached after |"
    yield "|---|---|" + "---|" * (len(MARKS) + 1)
    for stream, method in dict.fromkeys((one["stream"], one["method"]) for one in records):
        same = [one for one in records if one["stream"] == stream]
        mine = {one["seed"]: one["curve"] for one in same if one["method"] == method}
        rival = {one["seed"]: one["curve"] for one in same if one["method"] == "random"}
        cells = [str(mean_and_interval([curve[mark // STEP] for curve in mine.values()])) for mark in MARKS]
        wanted = np.mean([curve[-1] for curve in rival.values()]) if rival else float("inf")
        reached = posts_to_reach(np.mean(list(mine.values()), axis=0).tolist(), float(wanted))
        cells.append("–" if np.isnan(reached) else f"{reached:,.0f}")
        yield f"| {stream} | {method} | " + " | ".join(cells) + " |"


def draw(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the learning curves, one picture a stream, with the interval over seeds."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    streams, methods = (list(dict.fromkeys(one[what] for one in records)) for what in ("stream", "method"))
    colours = {method: f"C{number}" for number, method in enumerate(methods)}
    figure, axes = plt.subplots(1, len(streams), figsize=(5.5 * len(streams), 4.5), squeeze=False, layout="constrained")
    for axis, stream in zip(axes[0], streams, strict=True):
        for method in dict.fromkeys(one["method"] for one in records if one["stream"] == stream):
            curves = [one["curve"] for one in records if (one["stream"], one["method"]) == (stream, method)]
            spread = [mean_and_interval(values) for values in zip(*curves, strict=True)]
            posts, means = STEP * np.arange(len(spread)), [one.mean for one in spread]
            low, high = [one.low for one in spread], [one.high for one in spread]
            axis.plot(posts, means, colours[method], label=method, linewidth=2.5 if method == "tierbot" else 1.2)
            axis.fill_between(posts, low, high, color=colours[method], alpha=0.15)
        axis.set(title=stream, xlabel="posts", ylabel="accuracy on the last 3,000 rows")
        axis.grid(visible=True, alpha=0.3)
    lines = {line.get_label(): line for axis in axes[0] for line in axis.get_lines()}
    figure.legend(lines.values(), lines, loc="outside lower center", ncols=len(methods), fontsize=8)
    figure.savefig(path, dpi=110)


def saved(path: Path | None) -> list[dict[str, Any]]:
    """Return the records of a file that `--json` wrote; none if there is none yet."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Play, print each run, then the table."""
    from tests.benchmarks.per_click_methods import METHODS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="append each run's record to this file, and skip the runs it has")
    parser.add_argument("--from", dest="saved", type=Path, help="show saved records instead of playing")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    records = saved(options.saved or options.json)
    known = {(one["stream"], one["seed"], one["method"]) for one in records}
    every = [] if options.saved else product(options.streams, range(options.seeds), options.methods)
    missing = [run for run in every if run not in known]
    for name, runs in groupby(missing, key=lambda run: run[0]):
        whole = load(name, options.data, options.cache)
        for _, seed, method in runs:
            stream = recent(whole, seed)
            began = process_time()
            curve = list(play(stream, METHODS[method](stream), seed))
            record = {"stream": name, "method": method, "seed": seed, "curve": curve}
            records.append(record | {"cpu_seconds": round(process_time() - began, 1)})
            print(json.dumps(records[-1]), flush=True)
            if options.json:
                with options.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(records[-1]) + "\n")
    print("\n".join(table(records)))
    if options.plot:
        draw(records, options.plot)


if __name__ == "__main__":
    main()
