"""What classifying costs: CPU seconds and accuracy of each encoder with the same head, beside the stock encoder.

    python -m tests.benchmarks.classifying [--streams …] [--texts 1000] [--repeats 5] [--cache DIR] [--json]

The head is the bot's own, taught on the stories before the last 3,000 with exact embeddings. Timed: encoding, words
and head, from text to tag, on one thread; the encoders take turns (A-B-A-B) and the least CPU time of `repeats` counts, the
median stands beside it.
`headlines` are the stories themselves; `long` ones are twelve stories of one tag joined, some 350 words, timed only.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tests.benchmarks.tables import paired_interval
from tierbot.adapters.encoders.openvino import FastEncoder
from tierbot.adapters.encoders.sentence import SentenceEncoder, packaged_weights
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import SILENCE, labeled_rows

TAUGHT, JOINED = 8000, 12
Encode = Callable[[Sequence[str]], NDArray[np.float32]]


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


def head_of(stream: Stream) -> Classifier:
    """Return a head, taught on a sample of the stories before the window, as colleagues are asked about one."""
    before = len(stream) - WINDOW
    rows = np.linspace(0, before - 1, min(TAUGHT, before)).astype(np.intp)
    ids = stream.tags.ids
    named = [{ids[tag]: 1.0 for tag in np.flatnonzero(stream.true[row])} for row in rows]
    return fit(labeled_rows(named, stream.features.take(rows), ids, silence=SILENCE), stream.cold)


def measure(stream: Stream, texts: int, repeats: int, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield one record for each encoder and kind of text."""
    window = np.arange(len(stream) - WINDOW, len(stream))
    rows = window[:: max(1, WINDOW // texts)][:texts]
    stories = [stream.articles[row] for row in rows]
    long = [
        replace(stories[start], text=" ".join(one.content for one in stories[start : start + JOINED]))
        for start in range(0, len(stories) - JOINED, JOINED)
    ]
    kinds = {"headlines": stories, "long": long}
    head, encoders = head_of(stream), {name: ENCODERS[name]() for name in names}
    spent: dict[tuple[str, str], list[float]] = {}
    said: dict[tuple[str, str], NDArray[np.float64]] = {}
    for _ in range(repeats):
        for name, encode in encoders.items():
            for kind, given in kinds.items():
                began = process_time()
                said[name, kind] = head.predict(given, encode([one.content for one in given]), stream.tags.ids)
                spent.setdefault((name, kind), []).append(process_time() - began)
    for (name, kind), seconds in spent.items():
        record: dict[str, Any] = {"stream": stream.name, "texts": kind, "encoder": name}
        record["per_cpu_second"] = round(len(kinds[kind]) / min(seconds), 1)
        record["of_stock"] = round(min(seconds) / min(spent["stock", kind]), 3)
        record["of_stock_median"] = round(float(np.median(np.divide(seconds, spent["stock", kind]))), 3)
        if kind == "headlines":
            right, stocks = (stream.true[rows, said[which, kind].argmax(axis=1)] for which in (name, "stock"))
            record["accuracy"] = round(float(right.mean()), 4)
            record["against_stock"] = str(paired_interval(right, stocks))
        yield record


def main() -> None:
    """Print one line an encoder and kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--encoders", nargs="+", default=ENCODERS, choices=ENCODERS, help="stock comes along")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    threadpool_limits(1)  # as bulk workers do: threads that wait spin, and their time would count
    for name in options.streams:
        stream = load(name, options.data, options.cache)
        stream = stream.shuffled(0) if name == "huffpost-undated" else stream
        for record in measure(
            stream, options.texts, options.repeats, list(dict.fromkeys(["stock", *options.encoders]))
        ):
            print(
                json.dumps(record) if options.json else "  ".join(f"{value}" for value in record.values()), flush=True
            )


if __name__ == "__main__":
    main()
