"""How often the drift signal fires: on streams that stand still, and on streams that shift.

Run: python -m tests.benchmarks.drift [--streams 400] [--seed 7]        (about two minutes of one core)

Each stream has 600 randomly chosen posts over 64 tags and a model that is right on 70% of them; what shifts, shifts in
the newest 150.
"""

import argparse

from tests.support.settled_posts import rate
from tierbot.domain.nouns import Estimate

SHIFTS = {
    "nothing": {},
    "a topic goes from 0.5% to 8% of posts": {"prior": 0.08},
    "a topic goes from 0.5% to 12% of posts": {"prior": 0.12},
    "half of the commonest topic is missed": {"missed": 0.5},
    "all of the commonest topic is missed": {"missed": 1.0},
}


def main() -> None:
    """Print the share of streams with a signal, and its 95% interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    for name, shift in SHIFTS.items():
        found = Estimate.of_share(
            round(rate(options.streams, options.seed, **shift) * options.streams), options.streams
        )
        print(f"{name:42} {found.value:.3f}  ({found.low:.3f} to {found.high:.3f}, {found.n} streams)", flush=True)


if __name__ == "__main__":
    main()
