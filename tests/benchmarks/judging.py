"""Does the judge refuse bad challengers, and does it promote good ones soon? The judge beside the rule that it replaced.

    python -m tests.benchmarks.judging [--streams …] [--labels 1000 2000] [--fair 25 40 75] [--cache DIR] [--json]

The champion learned from n labels. Two rounds of 500 posts follow; after each a challenger is judged, on the fair posts of
all rounds so far, until one is promoted. Good: it learned from all labels so far. Bad: 20% of its labels are shuffled; all
rows of a tag are missing (three tags, drawn by their share); or it is stale, and learned from the older half only. The models
are fitted with the bot's learner in five folds over the posts that are new to the champion, so that each post is predicted by a
challenger that has not learned from it. 100 simulations draw which posts were fair. Labels are the true tags.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.streams import DATA, Stream, load
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.compare import answers, forgotten, newest_of_each_tag
from tierbot.domain.training.fit import fit
from tierbot.domain.training.judge import Answers, judge, log_score, worse_p
from tierbot.domain.training.rows import SILENCE, labeled_rows

STREAMS = ("huffpost", "lobsters")
ROUNDS, POSTS, FOLDS, LOST = 2, 500, 5, 3
Index = NDArray[np.intp]
Probabilities = NDArray[np.float64]  # (posts, T)


@dataclass(frozen=True)
class Judged:
    """A round's challenger and its champion on all posts since the champion came, and the tags that its folds forgot."""

    challenger: Probabilities
    champion: Probabilities
    true: NDArray[np.bool_]
    forgotten: Sequence[str | None]

    def answers(self, posts: Index) -> tuple[Answers, Answers]:
        """Return both models' answers to the given posts."""
        return answers(self.challenger[posts], self.true[posts]), answers(self.champion[posts], self.true[posts])


def learned(stream: Stream, rows: Index, true: NDArray[np.bool_]) -> Classifier:
    """Return what the bot's learner makes of these rows and their (possibly wrong) tags."""
    ids = stream.tags.ids
    named = [{ids[tag]: 1.0 for tag in np.flatnonzero(true[row])} for row in rows]
    taught = labeled_rows(named, stream.features.take(rows), ids, silence=SILENCE)
    return fit(replace(taught, keys=np.arange(1, len(rows) + 1, dtype=np.uint64)), stream.cold)


def predicted(stream: Stream, model: Classifier, rows: Index) -> Probabilities:
    """Return a model's p for these rows."""
    return model.probabilities(stream.features.take(rows), stream.tags.ids)


def played(stream: Stream, n: int, taught: Callable[[Index], Classifier], champion: Classifier, posts: int) -> Judged:
    """Judge what `taught` makes of the rows it is given, in folds over the posts since the champion learned from n rows."""
    every = np.arange(n + posts)
    checked = newest_of_each_tag(stream.true[every])
    before = predicted(stream, champion, checked)
    found = np.zeros((posts, stream.true.shape[1]))
    lost = []
    for fold in np.array_split(np.random.default_rng(posts).permutation(every[n:]), FOLDS):
        model = taught(np.setdiff1d(every, fold))
        found[fold - n] = predicted(stream, model, fold)
        lost.append(forgotten(predicted(stream, model, checked), before, stream.true[checked], stream.tags.ids))
    return Judged(found, predicted(stream, champion, every[n:]), stream.true[every[n:]], lost)


def challengers(stream: Stream, n: int) -> list[tuple[str, Callable[[Index], Classifier]]]:
    """Return each kind of challenger, and what it makes of the rows that it could have learned from."""
    rng = np.random.default_rng(n)
    common = stream.true[:n].sum(axis=0)
    tags = rng.choice(len(common), size=LOST, replace=False, p=common / common.sum())
    stale = learned(stream, np.arange((n + POSTS) // 2), stream.true)

    def shuffled(rows: Index) -> Classifier:
        true, some = stream.true.copy(), rng.choice(rows, len(rows) // 5, replace=False)
        true[some] = true[rng.permutation(some)]
        return learned(stream, rows, true)

    def without(tag: int, rows: Index) -> Classifier:
        return learned(stream, rows[~stream.true[rows, tag]], stream.true)

    return [
        ("good", lambda rows: learned(stream, rows, stream.true)),
        ("labels shuffled", shuffled),
        *(("tag lost", partial(without, int(tag))) for tag in tags),
        ("stale", lambda _: stale),
    ]


def was_promoted_before(ours: Answers, theirs: Answers) -> bool:
    """Return what the former rule said: promoted unless the sign test says worse, or the estimate on 50 posts or more."""
    wins = sum(mine and not other for mine, other in zip(ours.hits, theirs.hits, strict=True))
    losses = sum(other and not mine for mine, other in zip(ours.hits, theirs.hits, strict=True))
    return worse_p(wins, losses) >= 0.1 and (len(ours.hits) < 50 or (wins - losses) / len(ours.hits) >= -0.02)


def rounds_needed(rounds: Sequence[Judged], fair: int, rng: np.random.Generator) -> tuple[int, int]:
    """Simulate one draw of the fair posts; return the rounds to promotion by both rules, judge first (0: refused)."""
    drawn: list[int] = []
    new, old = 0, 0
    for number, one in enumerate(rounds, 1):
        drawn += (POSTS * (number - 1) + rng.choice(POSTS, fair, replace=False)).tolist()
        lost = one.forgotten[rng.integers(len(one.forgotten))]
        if not new and judge(*one.answers(np.array(drawn)), lost).promote:
            new = number
        if not old and was_promoted_before(*one.answers(np.array(drawn[-100:]))):
            old = number
    return new, old


def measure(stream: Stream, n: int, fairs: Sequence[int], simulations: int) -> list[dict[str, object]]:
    """Return one record for each kind of challenger and number of fair posts per round."""
    stream = stream.last(n + ROUNDS * POSTS)
    champion = learned(stream, np.arange(n), stream.true)
    kinds: dict[str, list[list[Judged]]] = {}
    for kind, taught in challengers(stream, n):
        rounds = [played(stream, n, taught, champion, POSTS * (number + 1)) for number in range(ROUNDS)]
        kinds.setdefault(kind, []).append(rounds)
    return [record(stream.name, n, kind, kinds[kind], fair, simulations) for fair in fairs for kind in kinds]


def record(
    name: str, n: int, kind: str, versions: Sequence[Sequence[Judged]], fair: int, simulations: int
) -> dict[str, object]:
    """Simulate one kind of challenger, in turn with each of its versions."""
    rng = np.random.default_rng(fair)
    needed = np.array([rounds_needed(versions[turn % len(versions)], fair, rng) for turn in range(simulations)])
    truth = [true_differences([rounds[number] for rounds in versions]) for number in range(ROUNDS)]
    rules: dict[str, object] = {
        rule: {
            "refused": float((column == 0).mean()),
            "promoted": float((column > 0).mean()),
            "in the first round": float((column == 1).mean()),
            "rounds": float(column[column > 0].mean()) if column.any() else None,
        }
        for rule, column in zip(("judge", "former rule"), needed.T, strict=True)
    }
    return {"stream": name, "n": n, "challenger": kind, "fair": fair, "truth": truth, **rules}


def true_differences(versions: Sequence[Judged]) -> dict[str, float]:
    """Return the challengers' mean lead on all posts in accuracy and in log score, also in standard deviations of a post."""
    found: dict[str, list[float]] = {"points": [], "nats": [], "points_sd": [], "nats_sd": []}
    for one in versions:
        ours, theirs = one.answers(np.arange(len(one.true)))
        hits = np.array(ours.hits, float) - np.array(theirs.hits, float)
        scores = np.array([log_score(a) - log_score(b) for a, b in zip(ours.chances, theirs.chances, strict=True)])
        found["points"].append(float(100 * hits.mean()))
        found["nats"].append(float(scores.mean()))
        found["points_sd"].append(float(hits.mean() / hits.std()))
        found["nats_sd"].append(float(scores.mean() / scores.std()))
    return {name: float(np.mean(values)) for name, values in found.items()}


def shown(one: dict[str, object]) -> str:
    """Return a record as a row of a table."""
    told = (("points", "+.1f"), ("nats", "+.3f"))
    truth = (" / ".join(format(said[name], form) for said in one["truth"]) for name, form in told)  # type: ignore[attr-defined]
    cells = [one["stream"], f"{one['n']:,}", one["fair"], one["challenger"], *truth]
    for rule in ("judge", "former rule"):
        said = one[rule]
        cells += [f"{100 * said[what]:.0f}" for what in ("refused", "in the first round", "promoted")]  # type: ignore[index]
    return "| " + " | ".join(map(str, cells)) + " |"


HEAD = (
    "| stream | labels | fair posts per round | challenger | true lead, points | in nats | refused twice | promoted in round 1 "
    "| … within 2 | former rule: refused twice | promoted in round 1 | … within 2 |\n|" + "---|" * 12
)


def main() -> None:
    """Print a table; shares are percentages of the simulations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--labels", nargs="+", type=int, default=[1000, 2000])
    parser.add_argument("--fair", nargs="+", type=int, default=[25, 40, 75])
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.json:
        print(HEAD)
    for name in options.streams:
        stream = load(name, options.data, options.cache, newest=max(options.labels) + ROUNDS * POSTS)
        for n in options.labels:
            for one in measure(stream, n, options.fair, options.simulations):
                print(json.dumps(one) if options.json else shown(one), flush=True)


if __name__ == "__main__":
    main()
