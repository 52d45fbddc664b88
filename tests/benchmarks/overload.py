"""More reactions to real posts than Slack allows: verdicts are settled all the same, and memory and files level off.

    python -m tests.benchmarks.overload --per-second 100 215 --seconds 300
    python -m tests.benchmarks.overload --database postgresql
    python -m tests.benchmarks.overload --bursts 48 --per-second 83 --seconds 20

Slack's own ceiling is 8.3 reactions a second and workspace. 200 colleagues react to 120 posts and take their reactions back,
so many times a second, by Socket Mode. Every ten seconds a line shows how far verdicts are behind (the age of the oldest
reaction without one), the bot's memory, and the size of the database and its write-ahead log. It fails if verdicts fall more
than a minute behind at 100 a second or less, or if none is settled for a minute at any rate.

With --bursts, the same comes in so many bursts (9 at least), each after all verdicts of the one before: 48 stand for the half
hours of three office days. It fails if memory, descriptors or threads don't level off, or if there are more threads than the
pools may have, or a longer log than the limit at which a writer shortens it and one burst: tests/support/overload_checks.py.
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
from tests.support.chaos_stage import Plan, raised
from tests.support.databases import database
from tests.support.overload_checks import OTHERS, POOLS, faults, most
from tierbot.adapters.store.columns import Row
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
            "descriptors": float(sum(process.num_fds() for process in self._processes)),
            "threads": float(sum(process.num_threads() for process in self._processes)),
        }

    def tables(self) -> dict[str, int]:
        """Return the rows of every table that has any."""
        with self._store._database.read() as connection:
            counts = {
                name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 - our own tables
                for name in Row.metadata.tables
            }
        return {name: count for name, count in sorted(counts.items(), key=lambda item: -item[1]) if count}

    def _size(self, name: str) -> float:
        path = self._world.folder / name
        return path.stat().st_size / 2**20 if path.exists() else 0.0


def _moment(value: Any) -> datetime | None:
    """Return a moment as either database stores it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=value.tzinfo or UTC) if value else None


def overload(
    world: World, watch: Watch, source: Iterator[dict[str, Any]], per_second: float, seconds: float
) -> list[str]:
    """React so often for so long; return what is wrong."""
    wrong: list[str] = []
    began, sent, line = time.monotonic(), 0, EVERY
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
    return wrong


def in_bursts(world: World, watch: Watch, bursts: int, per_second: float, seconds: float) -> list[str]:
    """React in bursts; return what is wrong, which includes what doesn't level off."""
    source, wrong, seen = acts(world.posts()), list[str](), list[dict[str, float]]()
    for number in range(bursts):
        print(f"burst {number + 1} of {bursts}", flush=True)
        wrong += overload(world, watch, source, per_second, seconds)
        seen.append(watch.look())
        _told(seen[-1], seconds, per_second, per_second)
    print(f"thread pools, at most: {POOLS}, and {OTHERS} other threads")
    third = bursts // 3
    for what in ("memory", "log", "descriptors", "threads"):
        most_seen = [max(one[what] for one in part) for part in (seen[third : 2 * third], seen[2 * third :])]
        print(f"{what}: at most {most_seen[0]:.0f} in the second third of the bursts, {most_seen[1]:.0f} in the last")
    limits = most(per_second * seconds)
    print(f"limits: {limits}")
    wrong += faults(seen, limits)
    print(f"rows: {watch.tables()}")
    return wrong


def _told(seen: dict[str, float], past: float, rate: float, wanted: float) -> list[str]:
    print(
        f"{past:6.0f} s {rate:5.0f}/s  recorded {seen['recorded']:7.0f}  verdicts {seen['verdicts']:6.0f}"
        f"  newest {seen['newest_verdict']:4.0f} s ago  behind {seen['behind']:5.1f} s"
        f"  memory {seen['memory']:5.0f} MB  database {seen['database']:5.0f} MB  log {seen['log']:5.0f} MB"
        f"  descriptors {seen['descriptors']:3.0f}  threads {seen['threads']:3.0f}",
        flush=True,
    )
    wrong = []
    if wanted <= 100 and seen["behind"] > WITHIN:
        wrong.append(f"at {wanted:g} a second, verdicts were {seen['behind']:.0f} s behind after {past:.0f} s")
    if past > WITHIN and not 0 <= seen["newest_verdict"] <= WITHIN:
        wrong.append(f"at {wanted:g} a second, no verdict was settled for a minute after {past:.0f} s")
    return wrong


def play(kind: str, per_second: float, seconds: float, bursts: int) -> list[str]:
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
        watch = Watch(world)
        try:
            if bursts:
                return in_bursts(world, watch, bursts, per_second, seconds)
            return overload(world, watch, acts(world.posts()), per_second, seconds)
        finally:
            watch.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-second", type=float, nargs="+", default=[100, 215])
    parser.add_argument("--seconds", type=float, default=300, help="how long at each rate, or in each burst")
    parser.add_argument("--bursts", type=int, default=0, help="how many bursts [default: no bursts]")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    if 0 < given.bursts < 9:
        parser.error("--bursts: at least 9")
    wrong: list[str] = []
    for rate in given.per_second:
        print(f"{rate:g} a second, {given.database}", flush=True)
        wrong += play(given.database, rate, given.seconds, given.bursts)
    for one in wrong:
        print(one, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
