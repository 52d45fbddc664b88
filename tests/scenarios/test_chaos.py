"""A small chaos on each run; the big one is `python -m tests.benchmarks.chaos`."""

from pathlib import Path

import pytest

from tests.support.chaos import Play
from tests.support.chaos_checks import Broken, Promise
from tests.support.chaos_stage import Plan, raised
from tests.support.databases import database

WEB = ("web", "web", "worker", "worker")


@pytest.mark.parametrize(
    ("kind", "processes", "kills"), [("sqlite", ("run",), 2), ("postgresql", WEB, 4)], ids=["sqlite", "postgresql"]
)
def test_after_every_fault_at_once_and_kills_votes_are_the_colleagues_own_record(
    kind: str, processes: tuple[str, ...], kills: int, tmp_path: Path
) -> None:
    plan = Plan(seed=7, reactions=600, posts=24, users=20, kills=kills, processes=processes)
    with database(kind, tmp_path) as url, raised(plan, url, tmp_path, reconcile_minutes=0.1) as harness:
        happened = Play(harness, plan).run()
    assert happened["kills"] == kills


def test_a_bot_that_drops_all_reactions_fails_by_name(tmp_path: Path) -> None:
    """One of the mutants; all of them: `python -m tests.benchmarks.mutants`."""
    plan = Plan(seed=7, reactions=600, posts=24, users=20, kills=2, mutant="drops_all_reactions")
    with (
        database("sqlite", tmp_path) as url,
        raised(plan, url, tmp_path, reconcile_minutes=0.1) as harness,
        pytest.raises(Broken) as broken,
    ):
        Play(harness, plan).run()
    assert broken.value.promise is Promise.STORED
