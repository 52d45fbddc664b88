"""More reactions to real posts than Slack allows: verdicts are settled all the same, and memory and files level off.

    python -m tests.benchmarks.overload --per-second 100 215 --seconds 300
    python -m tests.benchmarks.overload --database postgresql

Slack's own ceiling is 8.3 reactions a second and workspace. 200 colleagues react to 120 posts and take their reactions back,
so many times a second, by Socket Mode. Every ten seconds a line shows how far verdicts are behind (the age of the oldest
reaction without one), the bot's memory, and the size of the database and its write-ahead log. It fails if verdicts fall more
than a minute behind at 100 a second or less, or if none is settled for a minute at any rate.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from tests.scenarios.conftest import World, wait_until
from tests.support.chaos_stage import Plan, database, raised
from tierbot.adapters.store.store import SqlStore
from tierbot.domain.tags import default_tag_space

POSTS, USERS, NAMES, BATCH = 120, 200, 8, 25
EVERY = 10.0  # seconds between lines
WITHIN = 60.0  # seconds that verdicts may be behind
BEHIND = """
    SELECT min(e.received_at) FROM reaction_event e
    JOIN post p ON p.workspace_id = e.workspace_id AND p.channel = e.channel AND p.ts = e.ts
    WHERE e.seq > p.settled_cursor
"""


def acts(posts: list[str]) -> Iterator[dict[str, Any]]:
    """Yield reactions: everyone reacts everywhere with each emoji, then takes it back, and so on."""
    names = [tag.short_name for tag in default_tag_space().active[:NAMES]]
    while True:
        for do in ("react", "unreact"):
            for name in names:
                for number in range(POSTS * USERS):
                    user, ts = f"user{number % USERS}", posts[(number // USERS + number % USERS) % POSTS]
                    yield {"do": do, "user": user, "ts": ts, "name": name}


class Watch:
    """What is measured of a bot while it runs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store: SqlStore = world.store()
        self._processes = [psutil.Process(bot.pid) for bot in world.bots]

    def close(self) -> None:
        self._store.close()

    def look(self) -> dict[str, float]:
        """Return the events recorded, verdicts, seconds behind, MB of memory, database and log."""
        with self._store._database.read() as connection:
            events = connection.exec_driver_sql("SELECT count(*) FROM reaction_event").scalar_one()
            verdicts = connection.exec_driver_sql("SELECT max(settled_at), count(*) FROM verdict").one()
            oldest = _moment(connection.exec_driver_sql(BEHIND).scalar())
        now = datetime.now(UTC)
        return {
            "recorded": float(events),
            "verdicts": float(verdicts[1]),
            "newest_verdict": (now - newest).total_seconds() if (newest := _moment(verdicts[0])) else -1.0,
            "behind": (now - oldest).total_seconds() if oldest else 0.0,
            "memory": sum(process.memory_info().rss for process in self._processes) / 2**20,
            "database": self._size("chaos.db"),
            "log": self._size("chaos.db-wal"),
        }

    def _size(self, name: str) -> float:
        path = self._world.folder / name
        return path.stat().st_size / 2**20 if path.exists() else 0.0


def _moment(value: Any) -> datetime | None:
    """Return a moment as either database stores it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=value.tzinfo or UTC) if value else None


def overload(world: World, per_second: float, seconds: float) -> list[str]:
    """React so often for so long; return what is wrong."""
    wrong: list[str] = []
    source = acts(world.posts())
    watch = Watch(world)
    began, sent, line = time.monotonic(), 0, EVERY
    try:
        while (past := time.monotonic() - began) < seconds:
            if past >= line:
                line += EVERY
                wrong += _told(watch.look(), past, sent / past, per_second)
            time.sleep(max(0.0, began + sent / per_second - time.monotonic()))
            batch = [next(source) for _ in range(BATCH)]
            world.client.post("acts", json={"acts": batch})
            sent += BATCH
        done = time.monotonic()
        wait_until(lambda: not watch.look()["behind"], "every verdict", 600)
        print(f"all settled {time.monotonic() - done:.0f} s after the last reaction", flush=True)
    finally:
        watch.close()
    return wrong


def _told(seen: dict[str, float], past: float, rate: float, wanted: float) -> list[str]:
    print(
        f"{past:6.0f} s {rate:5.0f}/s  recorded {seen['recorded']:7.0f}  verdicts {seen['verdicts']:6.0f}"
        f"  newest {seen['newest_verdict']:4.0f} s ago  behind {seen['behind']:5.1f} s"
        f"  memory {seen['memory']:5.0f} MB  database {seen['database']:5.0f} MB  log {seen['log']:5.0f} MB",
        flush=True,
    )
    wrong = []
    if wanted <= 100 and seen["behind"] > WITHIN:
        wrong.append(f"at {wanted:g} a second, verdicts were {seen['behind']:.0f} s behind after {past:.0f} s")
    if past > WITHIN and not 0 <= seen["newest_verdict"] <= WITHIN:
        wrong.append(f"at {wanted:g} a second, no verdict was settled for a minute after {past:.0f} s")
    return wrong


def play(kind: str, per_second: float, seconds: float) -> list[str]:
    """Start a bot with its posts and overload it; return what is wrong."""
    plan = Plan(1, 0, POSTS, USERS, 0)
    with (
        TemporaryDirectory(prefix="tierbot-overload-") as name,
        database(kind, Path(name)) as url,
        raised(plan, url, Path(name), reconcile_minutes=15) as harness,
    ):
        world = harness.world
        world.add_articles(POSTS)
        world.sandbox.command(f"/tier push {POSTS}")
        wait_until(lambda: len(world.posts()) == POSTS, "the posts", 240)
        return overload(world, per_second, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-second", type=float, nargs="+", default=[100, 215])
    parser.add_argument("--seconds", type=float, default=300, help="how long at each rate")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    wrong: list[str] = []
    for rate in given.per_second:
        print(f"{rate:g} a second, {given.database}", flush=True)
        wrong += play(given.database, rate, given.seconds)
    for one in wrong:
        print(one, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
