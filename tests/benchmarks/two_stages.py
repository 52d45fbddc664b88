"""What the first harness settles and what it loses: by how much may be given up, and by how many stories taught it.

    python -m tests.benchmarks.two_stages [--streams …] [--stored 3000 10000 30000] [--gives-up .01 .02 .03] [--cache DIR]

The head is taught on 8,000 stories before the last 3,000 (`classifying`), the first harness on the newest `--stored` of
these; accuracy less the head's own on the last 3,000, with embeddings as they are stored. Nothing is timed.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.benchmarks.classifying import taught
from tests.benchmarks.streams import DATA, STREAMS, WINDOW, load
from tests.benchmarks.tables import paired_interval
from tierbot.adapters.encoders.openvino import FastEncoder
from tierbot.adapters.files.first_stage import pieces_of
from tierbot.domain.predict.cascade import answers
from tierbot.domain.training.distil import ENOUGH, teach


def main() -> None:
    """Print one JSON object for each stream, number of stored stories and allowance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--stored", nargs="+", type=int, default=[3000, 10_000, 30_000])
    parser.add_argument("--gives-up", nargs="+", type=float, default=[0.01, 0.02, 0.03, 0.04])
    parser.add_argument("--only-new", action="store_true", help="without the stories that taught the head")
    options = parser.parse_args()
    with TemporaryDirectory() as made:
        pieces = pieces_of(FastEncoder(), options.cache or Path(made))
        for name in options.streams:
            stream = load(name, options.data, options.cache)
            stream = stream.shuffled(0) if name == "huffpost-undated" else stream
            head, lessons = taught(stream)
            window = np.arange(len(stream) - WINDOW, len(stream))
            asked = [stream.articles[row] for row in window]
            alone = head.probabilities(stream.features.take(window), stream.tags.ids).argmax(axis=1)
            before = np.arange(len(stream) - WINDOW)
            before = np.setdiff1d(before, lessons) if options.only_new else before
            for stored in sorted({min(count, len(before)) for count in options.stored}):
                rows = before[-stored:]
                articles, new = [stream.articles[row] for row in rows], ~np.isin(rows, lessons)
                for allowed in options.gives_up:
                    first = teach(
                        articles,
                        stream.features.embeddings[rows],
                        head,
                        stream.tags.ids,
                        pieces,
                        new=new,
                        allowed=allowed,
                    )
                    found = answers(asked, stream.tags.ids, model=head, encode=stream.encoder.encode, first=first)
                    both = found.probabilities.argmax(axis=1)
                    sure = found.probabilities[found.first].max(axis=1).mean()
                    right = stream.true[window, both][found.first].mean()
                    record = {
                        "stream": name,
                        "stored": stored,
                        "allowed": round(allowed * min(1, stored / ENOUGH), 4),
                        "expected": round(first.settles, 3),
                        "settled": round(float(found.first.mean()), 3),
                        "gain": str(paired_interval(stream.true[window, both], stream.true[window, alone])),
                        "its_probability": round(float(sure), 3),
                        "its_accuracy": round(float(right), 3),
                    }
                    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
