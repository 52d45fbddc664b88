"""The big chaos: 20,000 reactions by 200 colleagues on 500 posts under all faults, the bot killed 20 times.

    python -m tests.benchmarks.chaos --seed 1
    python -m tests.benchmarks.chaos --seed 2 --database postgresql --processes run run

It fails unless the final votes are exactly the colleagues' own record and no message was sent twice.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scenarios.chaos import Plan, Play, flags_of, users_of
from tests.scenarios.conftest import World, wait_until
from tierbot.demo.workspace import SandboxProcess


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of a blank database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/chaos.db"
        return
    import pgserver

    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    yield server.get_uri("postgres").replace("postgresql:", "postgresql+psycopg:")
    server.cleanup()


def play(plan: Plan, kind: str) -> dict[str, object]:
    """Play one chaos to its end; return what happened."""
    with (
        TemporaryDirectory(prefix="tierbot-chaos-") as name,
        database(kind, Path(name)) as url,
        SandboxProcess(users=users_of(plan), flags=flags_of(plan)) as sandbox,
    ):
        world = World(sandbox, Path(name))
        world.environment |= {
            "DATABASE_URL": url,
            "TIERBOT_RECONCILE_EVERY_MINUTES": "0.5",
            "TIERBOT_SLACK_POSTS_PER_SECOND": "200",
        }
        try:
            for command in plan.processes:
                world.launch(command)
            wait_until(lambda: world.stats()["connections"] == plan.processes.count("run"), "connections", 120)
            return {"database": kind, **Play(world, plan).run()}
        finally:
            world.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reactions", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--processes", nargs="+", default=["run"], help="the tierbot commands that make one bot")
    given = parser.parse_args()
    plan = Plan(given.seed, given.reactions, given.posts, given.users, given.kills, processes=tuple(given.processes))
    print(json.dumps(play(plan, given.database)))


if __name__ == "__main__":
    main()
