"""What classifying costs: CPU seconds and accuracy of each encoder with the same head, beside the stock encoder.

    python -m tests.benchmarks.classifying [--streams …] [--texts 1000] [--repeats 5] [--cache DIR] [--json]

The head is the bot's own, taught on the stories before the last 3,000 with exact embeddings. Timed: encoding, words
and head, from text to tag, on one thread; the ways take turns (A-B-A-B) and the least CPU time of `repeats` counts.
`headlines` are the stories themselves; `long` ones are twelve stories of one tag joined, some 350 words, timed only.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tests.benchmarks.tables import paired_interval
from tierbot.edges.encoder import SentenceEncoder, packaged_weights
from tierbot.edges.fast_encoder import FastEncoder
from tierbot.predict.classifier import Classifier
from tierbot.predict.features import features_of
from tierbot.training.fit import fit
from tierbot.training.rows import SILENCE, labelled_rows

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


def taught(stream: Stream) -> Classifier:
    """Return a head taught on the stories before the window."""
    rows = np.arange(len(stream) - WINDOW)[-TAUGHT:]
    ids = stream.tags.ids
    named = [{ids[tag]: 1.0 for tag in np.flatnonzero(stream.true[row])} for row in rows]
    return fit(labelled_rows(named, stream.features.take(rows), ids, silence=SILENCE), stream.cold)


def classified(encode: Encode, head: Classifier, texts: Sequence[str], urls: Sequence[str]) -> NDArray[np.intp]:
    """Return the likeliest tag's column for each text."""
    return head.probabilities(features_of(texts, encode(texts), urls), head.tag_ids).argmax(axis=1)


def measure(stream: Stream, texts: int, repeats: int, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield one record for each encoder and kind of text."""
    head = taught(stream)
    window = np.arange(len(stream) - WINDOW, len(stream))
    rows = window[:: max(1, WINDOW // texts)][:texts]
    stories = [stream.articles[row].content for row in rows]
    urls = [stream.articles[row].url for row in rows]
    long = [" ".join(stories[start : start + JOINED]) for start in range(0, len(stories) - JOINED, JOINED)]
    encoders = {name: ENCODERS[name]() for name in names}
    best: dict[tuple[str, str], float] = {}
    tops: dict[str, NDArray[np.intp]] = {}
    for _ in range(repeats):
        for name, encode in encoders.items():
            for kind, given, sites in (("headlines", stories, urls), ("long", long, urls[: len(long)])):
                began = process_time()
                found = classified(encode, head, given, sites)
                best[name, kind] = min(best.get((name, kind), float("inf")), process_time() - began)
                if kind == "headlines":
                    tops[name] = found
    right = {name: stream.true[rows, top] for name, top in tops.items()}
    for (name, kind), seconds in best.items():
        record = {"stream": stream.name, "texts": kind, "encoder": name, "per_cpu_second": 0.0}
        record["per_cpu_second"] = round((len(stories) if kind == "headlines" else len(long)) / seconds, 1)
        record["of_stock"] = round(seconds / best["stock", kind], 3)
        if kind == "headlines":
            record["accuracy"] = round(float(right[name].mean()), 4)
            record["against_stock"] = str(paired_interval(right[name], right["stock"]))
        yield record


def main() -> None:
    """Print one line an encoder and kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--encoders", nargs="+", default=list(ENCODERS), choices=list(ENCODERS))
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in options.streams:
        stream = load(name, options.data, options.cache)
        for record in measure(stream, options.texts, options.repeats, options.encoders):
            print(
                json.dumps(record) if options.json else "  ".join(f"{value}" for value in record.values()), flush=True
            )


if __name__ == "__main__":
    main()
