"""A small chaos on each run; the big one is `python -m tests.benchmarks.chaos`."""

from pathlib import Path

from tests.scenarios.chaos import Plan, Play, flags_of, users_of
from tests.scenarios.conftest import World
from tierbot.demo.workspace import SandboxProcess


def test_after_every_fault_at_once_and_two_kills_votes_are_the_colleagues_own_record(tmp_path: Path) -> None:
    plan = Plan(seed=7, reactions=600, posts=24, users=20, kills=2)
    with SandboxProcess(users=users_of(plan), flags=flags_of(plan)) as sandbox:
        world = World(sandbox, tmp_path)
        world.environment |= {"TIERBOT_RECONCILE_EVERY_MINUTES": "0.1", "TIERBOT_SLACK_POSTS_PER_SECOND": "200"}
        try:
            world.start()
            happened = Play(world, plan).run()
        finally:
            world.stop()
    assert happened["kills"] == 2
