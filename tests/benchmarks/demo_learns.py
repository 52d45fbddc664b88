"""Does the demo show learning, whatever the seed? The figures of its first pictures, and how long a visitor waits for them.

    python -m tests.benchmarks.demo_learns [--rounds 2] [--exit] [seed …]

The first picture must show a model that is right more often than a coin's heads, beyond chance: the 95% interval excludes 50%.
The first curve (two rounds) must rise, and in its second round the model must be right more often, beyond chance, than the
first model would have been on the same stories. By default at the speed at which visitors watch; --exit: full speed.
"""

import argparse
import json
import subprocess
import sys
import time

from tierbot.domain.nouns import Estimate
from tierbot.domain.rounds.figures import change, is_chance

SEEDS = (0, 1, 2, 3, 4)
COIN = 0.5


def main() -> int:
    """Run the demo once a seed; return the number of seeds whose first pictures show no learning."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--exit", action="store_true")
    given = parser.parse_args()
    return sum(not _believable(seed, given.rounds, fast=given.exit) for seed in given.seeds)


def _believable(seed: int, rounds: int, *, fast: bool) -> bool:
    command = ["tierbot", "demo", "--rounds", str(rounds), "--json", "--seed", str(seed), *(["--exit"] if fast else [])]
    began, found, waited, gain = time.monotonic(), [], [], None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        for line in running.stdout or ():
            record = json.loads(line)
            found.append(Estimate(**record["accuracy"]["all"]))
            gain = gain or (Estimate(**record["gain"]) if record["gain"] else None)
            waited.append(time.monotonic() - began)
    first, rise = found[0], change(found[1], found[0])
    good = (
        (first.low or 0.0) > COIN
        and rise is not None
        and (rise.value or 0.0) > 0
        and gain is not None
        and (gain.low or 0.0) > 0
    )
    shown = " → ".join(_words(one) for one in found)
    rose = _words(rise) + (", may be chance" if is_chance(rise) else "") if rise else "–"
    gained = _words(gain) if gain else "–"
    times = ", ".join(f"{seconds:.0f} s" for seconds in waited)
    print(
        f"seed {seed}: {shown}   rise {rose}   gain {gained}   after {times}   {'ok' if good else 'MISSED'}", flush=True
    )
    return good


def _words(one: Estimate) -> str:
    value, low, high = (100 * (bound or 0.0) for bound in (one.value, one.low, one.high))
    return f"{value:.0f}% ({low:.0f} to {high:.0f})"


if __name__ == "__main__":
    sys.exit(main())
