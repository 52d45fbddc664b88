"""What mends p where the mix of tags shifts? Calibration error and accuracy.

    python -m tests.benchmarks.label_shift [--streams …] [--sizes 500 2000] [--windows 3] [--cache DIR]

The learner of same_labels with its logit adjustment and without, and the latter's p corrected for the mix of tags in
the window: by the true mix (which nobody has), and by EM on the window's texts (Saerens, Latinne and Decaestecker,
"Adjusting the outputs of a classifier to new a priori probabilities", 2002): from the labels' mix, or from the model's
own mean p on rows left out of its fit, where that mix may weigh as so many texts more. EM sees the window's texts, which
no learner may: what it gains is a bound.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.benchmarks.same_labels import Scores, Split, hits, splits, tierbot
from tests.benchmarks.streams import DATA, STREAMS, load
from tierbot.domain.training.bootstrap_model import calibration_error
from tierbot.domain.training.fit import FitSettings

_PASSES = 200
_FOLDS = 4
_WEIGHT = 1000  # texts, that the mix before weighs as
_SMOOTH = 0.5  # added to each tag's count
_PLAIN = FitSettings(adjustment=0)


def corrected(p: Scores, before: Scores, after: Scores) -> Scores:
    """Return p, (n, T), for a mix of tags `after`, (T,), where the model knew the mix `before`."""
    found = p * (after / before)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def expected_mix(p: Scores, before: Scores, weight: float) -> Scores:
    """Return the mix that makes the texts' p likeliest, found by EM; `before` weighs as `weight` texts more."""
    mix = before
    for _ in range(_PASSES):
        counts = corrected(p, before, mix).sum(axis=0) + weight * before
        mix = counts / counts.sum()
    return mix


def ways(split: Split) -> Iterator[tuple[str, Scores]]:
    """Yield each way's name and its p on the test rows."""
    true = split.stream.true
    p = tierbot(split, _PLAIN)
    labels, window = (_mix(true[rows] / true[rows].sum(axis=1, keepdims=True)) for rows in (split.train, split.test))
    own = _mix(_left_out(split))
    yield "not adjusted", p
    yield "adjusted, as it is", tierbot(split)
    yield "true mix", corrected(p, labels, window)
    yield "EM, labels' mix", corrected(p, labels, expected_mix(p, labels, 0))
    yield "EM, own mix", corrected(p, own, expected_mix(p, own, 0))
    yield f"EM, own mix, {_WEIGHT:,}", corrected(p, own, expected_mix(p, own, _WEIGHT))


def _left_out(split: Split) -> Scores:
    """Return p of the training rows, each by a model that was not fitted to it."""
    parts = np.array_split(np.random.default_rng(0).permutation(split.train), _FOLDS)
    return np.concatenate(
        [tierbot(Split(split.stream, np.setdiff1d(split.train, part), part, split.before), _PLAIN) for part in parts]
    )


def _mix(shares: Scores) -> Scores:
    counts = shares.sum(axis=0) + _SMOOTH
    return np.asarray(counts / counts.sum())


def main() -> None:
    """Print a line for each stream, number of labels and way: one value a window, the last window first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--sizes", nargs="+", type=int, default=(500, 2000))
    parser.add_argument("--windows", type=int, default=3)
    options = parser.parse_args()
    for name in options.streams:
        stream = load(name, options.data, options.cache)
        for n in options.sizes:
            found = defaultdict(list)
            for split in splits(stream, n, options.windows):
                for way, p in ways(split):
                    hit = hits(p, split.stream.true[split.test])
                    found[way].append((calibration_error(p.max(axis=1), hit), hit.mean(), p.max(axis=1).mean()))
            for way, values in found.items():
                error, right, sure = (" ".join(f"{one:.3f}" for one in column) for column in zip(*values, strict=True))
                print(f"{name:17}{n:6}  {way:20} ECE {error}   accuracy {right}   mean p {sure}", flush=True)


if __name__ == "__main__":
    main()
