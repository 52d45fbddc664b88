"""Bots that are wrong on purpose (tests/support/mutants.py), each played through a small chaos, which must find what is wrong.

    python -m tests.benchmarks.mutants
    python -m tests.benchmarks.mutants miscounts_votes does_not_reconcile --seed 2 --database postgresql

First comes the bot as it is, under the faults of all of them: it must pass. A mutant is caught if chaos fails by the promise
that it breaks; a failure of another kind doesn't count. A mutant that no longer fits the bot ends the command at once.
"""

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.chaos import Play
from tests.support.chaos_checks import Broken
from tests.support.chaos_stage import Plan, raised
from tests.support.databases import database
from tests.support.mutants import MUTANTS, check

AS_IT_IS = "the bot as it is"


def played(name: str, seed: int, kind: str) -> Broken | None:
    """Play one bot; return by what chaos failed."""
    fewer = ("run",) if kind == "sqlite" else ("web", "worker")
    mutant = "" if name == AS_IT_IS else name
    faults = dict(fault for one in ([name] if mutant else MUTANTS) for fault in MUTANTS[one].faults)
    plan = Plan(seed, 600, 24, 20, kills=2, processes=fewer, faults=faults, mutant=mutant)
    with (
        TemporaryDirectory(prefix="tierbot-mutant-") as folder,
        database(kind, Path(folder)) as url,
        raised(plan, url, Path(folder), reconcile_minutes=0.1) as harness,
    ):
        try:
            Play(harness, plan).run()
        except Broken as broken:
            return broken
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mutants", nargs="*", metavar="MUTANT", default=list(MUTANTS), help=", ".join(MUTANTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    for name in given.mutants:
        check(name)
    failed = 0
    for name in (AS_IT_IS, *given.mutants):
        began = time.monotonic()
        broken = played(name, given.seed, given.database)
        due = None if name == AS_IT_IS else MUTANTS[name].breaks
        right = due is (broken.promise if broken else None)
        failed += not right
        found = f"{broken}"[:200] if broken else "chaos passed"
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{'as expected' if right else 'WRONG'}: {name} ({took}): {found}", flush=True)
    if failed:
        sys.exit(f"{failed} of {len(given.mutants) + 1} ended in another way than expected")


if __name__ == "__main__":
    main()
