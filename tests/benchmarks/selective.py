"""What selective reward terms are worth: backtests with and without them, on the same posts, people and seeds.

Run: python -m tests.benchmarks.selective [--seeds 5] [--streams huffpost lobsters] [--crowd noisy]
"""

import argparse

import numpy as np

from tests.benchmarks.noise import STREAMS, over_seeds, play

ROUNDS, POSTS = 4, 200


def main() -> None:
    """Print the final accuracy with and without, and the difference, mean and 95% interval over seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--streams", nargs="+", default=STREAMS, choices=STREAMS)
    parser.add_argument("--crowd", default="noisy")
    options = parser.parse_args()
    for name in options.streams:
        final = {
            learner: [
                float(play(name, options.crowd, "plain", seed, ROUNDS, POSTS, learner)[-1].window_accuracy or 0)
                for seed in range(options.seeds)
            ]
            for learner in ("default", "selective-reward")
        }
        gained = np.subtract(final["selective-reward"], final["default"]).tolist()
        for what, values in (*final.items(), ("gained", gained)):
            mean, half = over_seeds(values)
            print(f"{name:10} {options.crowd:8} {what:18} {mean:+.4f} ±{half:.4f}", flush=True)


if __name__ == "__main__":
    main()
