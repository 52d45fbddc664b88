"""The big chaos: 20,000 reactions by 200 colleagues on 500 posts under all faults, the bot killed 20 times.

    python -m tests.benchmarks.chaos --seed 1
    python -m tests.benchmarks.chaos --seed 1 --database postgresql --processes web web worker worker
    python -m tests.benchmarks.chaos --seed 2 3 4 --reactions 2000 --posts 60 --users 50 --kills 8

It fails by the name of the promise that the bot broke: tests/support/chaos_checks.py lists them.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.chaos import Play
from tests.support.chaos_stage import Plan, raised
from tests.support.databases import database


def play(plan: Plan, kind: str) -> dict[str, object]:
    """Play one chaos to its end; return what happened."""
    with (
        TemporaryDirectory(prefix="tierbot-chaos-") as name,
        database(kind, Path(name)) as url,
        raised(plan, url, Path(name), reconcile_minutes=0.5) as harness,
    ):
        return {"database": kind, "processes": plan.processes, **Play(harness, plan).run()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--reactions", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--processes", nargs="+", default=["run"], help="the tierbot commands that make one bot")
    given = parser.parse_args()
    plan = Plan(0, given.reactions, given.posts, given.users, given.kills, processes=tuple(given.processes))
    for seed in given.seed:
        print(f"seed {seed}", flush=True)
        print(json.dumps(play(replace(plan, seed=seed), given.database)), flush=True)


if __name__ == "__main__":
    main()
