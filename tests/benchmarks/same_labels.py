"""How accurate is the learner on the labels that others get too? Side by side with the usual pair of regressions.

    python -m tests.benchmarks.same_labels [--streams …] [--windows 5] [--cache DIR] [--json]

Trained on the n stories before a window of 3,000 with their true tags, measured on the window: is the top tag among
the true ones? Repeats: the last window and those before it (dated streams), or other shuffles. The learner's settings
are FitSettings' defaults. The reference, the average of logistic regressions on MiniLM and on TF-IDF words with the
url's domain as a word (one row for each true tag), gets the best of several strengths on the window before.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tests.benchmarks.tables import mean_and_interval, paired_interval
from tierbot.domain.training.bootstrap_model import calibration_error
from tierbot.domain.training.fit import FitSettings, fit
from tierbot.domain.training.rows import SILENCE, labeled_rows

SIZES = {"huffpost": (500, 2000, 10_000), "huffpost-undated": (500, 2000, 10_000), "lobsters": (2000, 8000, 20_000)}
STRENGTHS = {"minilm": (1.0, 3.0), "words": (3.0, 10.0)}
Index = NDArray[np.intp]
Scores = NDArray[np.float64]  # (rows, T)


@dataclass(frozen=True)
class Split:
    """Row numbers: learned from, and measured on. `before` is the like for choosing settings, where there is room."""

    stream: Stream
    train: Index
    test: Index
    before: tuple[Index, Index]


def splits(stream: Stream, n: int, repeats: int) -> Iterator[Split]:
    """Yield the last window and those before it; of a stream without dates the last window of each shuffle."""
    dated = stream.rows[0].published_at is not None
    for repeat in range(repeats):
        end = len(stream) - (WINDOW * repeat if dated else 0)
        if end < n + WINDOW:
            return
        rows = np.arange(end)
        last = rows[-WINDOW:]
        train = rows[-WINDOW - n : -WINDOW]
        held = min(WINDOW, n // 4)
        earlier = rows[max(0, end - 2 * WINDOW - n) : end - 2 * WINDOW]
        before = (earlier, rows[-2 * WINDOW : -WINDOW]) if len(earlier) == n else (train[:-held], train[-held:])
        yield Split(stream if dated else stream.shuffled(repeat), train, last, before)


def tierbot(split: Split, settings: FitSettings | None = None) -> Scores:
    """Return the bot's own learner's p: from verdicts that name each story's true tags, and a prior of the tags' names."""
    stream, ids = split.stream, split.stream.tags.ids
    named = [{ids[tag]: 1.0 for tag in np.flatnonzero(stream.true[row])} for row in split.train]
    rows = labeled_rows(named, stream.features.take(split.train), ids, silence=SILENCE)
    rows = replace(rows, keys=np.arange(1, len(rows) + 1, dtype=np.uint64))  # posts, which are remembered
    return fit(rows, stream.cold, settings).probabilities(stream.features.take(split.test), ids)


class Reference:
    """Two logistic regressions, on embeddings and on words; `parts` says which are averaged."""

    def __init__(self, *parts: str) -> None:
        self._parts = parts

    def __call__(self, split: Split) -> Scores:
        """Return the average of the parts' probabilities, each with its best strength on the window before."""
        return np.asarray(np.mean([_chosen(part, split) for part in self._parts], axis=0))


def _chosen(part: str, split: Split) -> Scores:
    tried = {strength: _regression(part, split.stream, *split.before, strength) for strength in STRENGTHS[part]}
    truth = split.stream.true[split.before[1]]
    best = max(tried, key=lambda strength: hits(tried[strength], truth).mean())
    return _regression(part, split.stream, split.train, split.test, best)


def _regression(part: str, stream: Stream, train: Index, test: Index, strength: float) -> Scores:
    from sklearn.linear_model import LogisticRegression

    each, tag = np.nonzero(stream.true[train])
    learn, ask = _minilm(stream, train, test) if part == "minilm" else _words(stream, train, test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not converged after 200 passes: its accuracy has long settled
        model = LogisticRegression(C=strength, max_iter=200).fit(learn[each], tag)
    found = np.zeros((len(test), stream.true.shape[1]))
    found[:, model.classes_] = model.predict_proba(ask)
    return found


def _minilm(stream: Stream, train: Index, test: Index) -> tuple[Any, Any]:
    return stream.features.embeddings[train], stream.features.embeddings[test]


def _words(stream: Stream, train: Index, test: Index) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    def text(row: int) -> str:
        article = stream.articles[row]
        site = (urlsplit(article.url).hostname or "").removeprefix("www.")
        return f"{article.content} {site.replace('.', '_')}"

    reader = TfidfVectorizer(sublinear_tf=True)
    return reader.fit_transform(map(text, train)), reader.transform(map(text, test))


METHODS: dict[str, Callable[[Split], Scores]] = {
    "reference": Reference("minilm", "words"),
    "minilm alone": Reference("minilm"),
    "tierbot": tierbot,
}


def hits(scores: Scores, true: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return whether each row's top tag is among its true ones."""
    return true[np.arange(len(true)), scores.argmax(axis=1)]


def measure(stream: Stream, n: int, repeats: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return one record a method: accuracy, calibration error, accuracy of the surest fifth; on the last window, and
    over all repeats, with the paired gain on the reference.
    """  # noqa: D205
    right: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in names}
    extra: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    for split in splits(stream, n, repeats):
        truth = split.stream.true[split.test]
        for name in names:
            began = process_time()
            p = METHODS[name](split)
            hit, sure = hits(p, truth), p.max(axis=1)
            right[name].append(hit)
            surest = np.argsort(-sure, kind="stable")[: len(sure) // 5]
            extra[name].append((calibration_error(sure, hit), float(hit[surest].mean()), process_time() - began))
    records = []
    for name in names:
        share = [float(hit.mean()) for hit in right[name]]
        error, surest_share, seconds = zip(*extra[name], strict=True)
        record: dict[str, Any] = {"stream": stream.name, "n": n, "method": name, "accuracy": share[0]}
        record |= {"calibration_error": error[0], "surest_fifth": surest_share[0], "cpu_seconds": round(seconds[0], 1)}
        record |= {"repeats": mean_and_interval(share), "errors": error, "surest": surest_share}
        if "reference" in right and name != "reference":
            record["gain"] = paired_interval(right[name][0], right["reference"][0])
            pairs = zip(right[name], right["reference"], strict=True)
            record["gains"] = mean_and_interval([float(a.mean() - b.mean()) for a, b in pairs])
        records.append(record)
    return records


def main() -> None:
    """Print one line a stream, number of labels and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--sizes", nargs="+", type=int)
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in options.streams:
        stream = load(name, options.data, options.cache)
        for n in options.sizes or SIZES[name]:
            for record in measure(stream, n, options.windows, options.methods):
                print(json.dumps(record, default=asdict) if options.json else shown(record), flush=True)


def shown(record: dict[str, Any]) -> str:
    """Return a record as one line of text."""
    line = (
        f"{record['stream']:17}{record['n']:6}  {record['method']:13} accuracy {record['accuracy']:.4f}  "
        f"ECE {record['calibration_error']:.3f}  surest fifth {record['surest_fifth']:.3f}  "
        f"{record['cpu_seconds']:5.1f} s   repeats {record['repeats']}"
    )
    return f"{line}  ahead by {record['gain']}, over repeats {record['gains']}" if "gain" in record else line


if __name__ == "__main__":
    main()
