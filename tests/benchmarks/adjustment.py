"""How far is the mix of tags in few labels to be believed? The logit adjustment's τ, by the number of labels.

    python -m tests.benchmarks.adjustment [--streams …] [--sizes 125 250 …] [--taus .05 .1 …] [--windows 12] [--cache DIR]

The learner of same_labels learns from n stories and is measured on the 3,000 after them. Windows are spread over the
stream, but for its last 3,000 rows, which are kept for measuring. Printed is what each τ gains over none in accuracy, on
average, at least and at most over the windows, and the mean calibration error.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.same_labels import Scores, Split, hits, tierbot
from tests.benchmarks.streams import DATA, STREAMS, WINDOW, Stream, load
from tierbot.domain.training.bootstrap_model import calibration_error
from tierbot.domain.training.fit import FitSettings


def measured(stream: Stream, n: int, taus: Sequence[float], windows: int) -> Scores:
    """Return accuracy and calibration error of each window and τ, (windows, len(taus), 2)."""
    ends = np.linspace(n, len(stream) - 2 * WINDOW, windows).astype(int)
    return np.array([[_both(_split(stream, end, n), tau) for tau in taus] for end in ends.tolist()])


def _split(stream: Stream, end: int, n: int) -> Split:
    rows = np.arange(len(stream))
    return Split(stream, rows[end - n : end], rows[end : end + WINDOW], (rows[:0], rows[:0]))


def _both(split: Split, tau: float) -> tuple[float, float]:
    p = tierbot(split, FitSettings(adjustment=tau, adjusted_labels=len(split.train)))
    hit = hits(p, split.stream.true[split.test])
    return float(hit.mean()), calibration_error(p.max(axis=1), hit)


def main() -> None:
    """Print a line for each stream, number of labels and τ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keep embeddings in this folder")
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--sizes", nargs="+", type=int, default=(125, 250, 500, 1000, 1500, 2500))
    parser.add_argument("--taus", nargs="+", type=float, default=(0.05, 0.1, 0.2, 0.3, 0.4))
    parser.add_argument("--windows", type=int, default=12)
    options = parser.parse_args()
    for name in options.streams:
        stream = load(name, options.data, options.cache)
        for n in options.sizes:
            found = measured(stream, n, [0, *options.taus], options.windows)
            gain, error = found[:, :, 0] - found[:, :1, 0], found[:, :, 1].mean(axis=0)
            for place, tau in enumerate([0, *options.taus]):
                least, mean, most = (value(gain[:, place]) for value in (np.min, np.mean, np.max))
                gained = f"{mean:+.4f} ({least:+.3f} to {most:+.3f})"
                print(f"{name:17}{n:6}  τ {tau:<5} accuracy {gained}  ECE {error[place]:.3f}", flush=True)


if __name__ == "__main__":
    main()
