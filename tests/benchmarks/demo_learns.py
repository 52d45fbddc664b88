"""Does the demo learn, whatever the seed? Accuracy of the first and the last of three rounds, and how long it took.

    python tests/benchmarks/demo_learns.py [seed …]

The figures of issue "The loop closes": the last round above the first in each of five seeds, six minutes at most.
"""

import json
import subprocess
import sys
import time

SEEDS = (0, 1, 2, 3, 4)


def main() -> int:
    """Run the demo once a seed; return 1 if a seed did not improve or took too long."""
    failed = 0
    for seed in map(int, sys.argv[1:] or SEEDS):
        began = time.monotonic()
        command = ["tierbot", "demo", "--rounds", "3", "--exit", "--json", "--seed", str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rounds = [json.loads(line) for line in done.stdout.splitlines()]
        seconds = time.monotonic() - began
        values = [one["accuracy"]["all"]["value"] for one in rounds]
        good = values[-1] > values[0] and seconds < 360
        failed += not good
        shown = " → ".join(f"{value:.3f}" for value in values)
        print(f"seed {seed}: {shown}   {seconds:.0f} s   {'ok' if good else 'MISSED'}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
