"""What classifying costs: CPU seconds and accuracy of each way with the same head, beside the stock encoder.

    python -m tests.benchmarks.classifying [--streams …] [--texts 1000] [--repeats 5] [--cache DIR] [--json]

The head is the bot's own, taught on the stories before the last 3,000 with exact embeddings. Timed: encoding, words
and head, from text to tag, on one thread; the ways take turns (A-B-A-B) and the least CPU time of `repeats` counts, the
median stands beside it. The first harness of two is taught on up to 30,000 stories before the window (the 8,000 that taught
the head are among them), and its accuracy is measured on the whole window, with stored embeddings.
`headlines` are the stories themselves; `long` ones are twelve stories of one tag joined, some 350 words, timed only.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tests.benchmarks.tables import paired_interval
from tierbot.adapters.encoders.openvino import FastEncoder
from tierbot.adapters.encoders.sentence import SentenceEncoder, packaged_weights
from tierbot.adapters.files.first_stage import pieces_of
from tierbot.domain.nouns import Article
from tierbot.domain.predict.cascade import Answers, Encode, FirstStage, answers
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.distil import MOST, teach
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import SILENCE, labelled_rows

TAUGHT, JOINED = 8000, 12
TWO = "two stages, then "
Way = partial[Answers]


def stock() -> Encode:
    """Return SentenceTransformer.encode as its documentation has it."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(packaged_weights()), device="cpu")
    return lambda texts: np.asarray(model.encode(list(texts), show_progress_bar=False))


ENCODERS: dict[str, Callable[[], Encode]] = {
    "stock": stock,
    "exact, 128 tokens": lambda: SentenceEncoder().encode,
    "fast, 64 tokens": lambda: FastEncoder(tokens=64).encode,
    "fast, 128 tokens": lambda: FastEncoder().encode,
}


def taught(stream: Stream) -> tuple[Classifier, NDArray[np.intp]]:
    """Return a head, and the stories before the window that taught it: a sample, as colleagues are asked about one."""
    before = len(stream) - WINDOW
    rows = np.linspace(0, before - 1, min(TAUGHT, before)).astype(np.intp)
    ids = stream.tags.ids
    named = [{ids[tag]: 1.0 for tag in np.flatnonzero(stream.true[row])} for row in rows]
    return fit(labelled_rows(named, stream.features.take(rows), ids, silence=SILENCE), stream.cold), rows


def ways_of(stream: Stream, names: Sequence[str], folder: Path) -> dict[str, Way]:
    """Return each way by its name; a way's first arguments are its head and its encoder."""
    head, lessons = taught(stream)
    encoders = {name: ENCODERS[name]() for name in dict.fromkeys(name.removeprefix(TWO) for name in names)}
    first = first_stage(stream, head, lessons, folder) if any(name.startswith(TWO) for name in names) else None
    return {
        name: partial(
            classified, head, encoders[name.removeprefix(TWO)], first if name.startswith(TWO) else None, stream.tags.ids
        )
        for name in names
    }


def first_stage(stream: Stream, head: Classifier, lessons: NDArray[np.intp], folder: Path) -> FirstStage:
    """Return a first harness that was taught on the newest stories before the window, the head's own lessons among them."""
    stored = np.arange(len(stream) - WINDOW)[-MOST:]
    articles = [stream.articles[row] for row in stored.tolist()]
    pieces, new = pieces_of(FastEncoder(), folder), ~np.isin(stored, lessons)
    return teach(articles, stream.features.embeddings[stored], head, stream.tags.ids, pieces, new=new)


def classified(
    head: Classifier, encode: Encode, first: FirstStage | None, tag_ids: Sequence[str], articles: Sequence[Article]
) -> Answers:
    """Return what is said of articles, in one harness or two."""
    return answers(articles, tag_ids, model=head, encode=encode, first=first)


def measure(stream: Stream, texts: int, repeats: int, names: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield one record for each way and kind of text."""
    window = np.arange(len(stream) - WINDOW, len(stream))
    rows = window[:: max(1, WINDOW // texts)][:texts]
    stories = [stream.articles[row] for row in rows]
    long = [
        replace(stories[start], text=" ".join(one.content for one in stories[start : start + JOINED]))
        for start in range(0, len(stories) - JOINED, JOINED)
    ]
    kinds = {"headlines": stories, "long": long}
    ways = ways_of(stream, names, folder)
    head: Classifier = ways["stock"].args[0]
    spent: dict[tuple[str, str], list[float]] = {}
    said: dict[tuple[str, str], Answers] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            for kind, given in kinds.items():
                began = process_time()
                said[name, kind] = way(given)
                spent.setdefault((name, kind), []).append(process_time() - began)
    exact = head.probabilities(stream.features.take(window), stream.tags.ids).argmax(axis=1)
    for (name, kind), seconds in spent.items():
        record = {"stream": stream.name, "texts": kind, "way": name}
        record["per_cpu_second"] = round(len(kinds[kind]) / min(seconds), 1)
        record["of_stock"] = round(min(seconds) / min(spent["stock", kind]), 3)
        record["of_stock_median"] = round(float(np.median(np.divide(seconds, spent["stock", kind]))), 3)
        record["first_stage"] = round(float(said[name, kind].first.mean()), 3)
        if kind == "headlines":
            right, stocks = (
                stream.true[rows, said[which, kind].probabilities.argmax(axis=1)] for which in (name, "stock")
            )
            record["accuracy"] = round(float(right.mean()), 4)
            record["against_stock"] = str(paired_interval(right, stocks))
            if name.startswith(TWO):
                articles = [stream.articles[row] for row in window]
                way = partial(ways[name].func, head, stream.encoder.encode, *ways[name].args[2:])
                both = way(articles).probabilities.argmax(axis=1)
                record["window"] = str(paired_interval(stream.true[window, both], stream.true[window, exact]))
        yield record


def main() -> None:
    """Print one line an encoder and kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    ways = [*ENCODERS, f"{TWO}exact, 128 tokens", f"{TWO}fast, 128 tokens"]
    parser.add_argument("--ways", nargs="+", default=ways, choices=ways, help="stock comes along")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    threadpool_limits(1)  # as bulk workers do: threads that wait spin, and their time would count
    with TemporaryDirectory() as made:
        folder = options.cache or Path(made)
        for name in options.streams:
            stream = load(name, options.data, options.cache)
            stream = stream.shuffled(0) if name == "huffpost-undated" else stream
            names = list(dict.fromkeys(["stock", *options.ways]))
            for record in measure(stream, options.texts, options.repeats, names, folder):
                line = json.dumps(record) if options.json else "  ".join(f"{value}" for value in record.values())
                print(line, flush=True)


if __name__ == "__main__":
    main()
