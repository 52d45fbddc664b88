"""Reaction events per second through real Socket Mode into the SQLite ledger, beside a listener that only acknowledges.

    pytest tests/benchmarks/test_load.py -s

Sandbox and bot share the machine. Paced at 500 a second, acknowledgements must come within 100 ms at the 99th
percentile and no event may be lost; as fast as it goes, the bot must reach half the rate of a bare Bolt listener.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.balancer import Balancer
from tests.scenarios.conftest import World, wait_until
from tests.scenarios.test_web import port_of
from tierbot.demo.workspace import SandboxProcess

USERS = 200
NAMES = ("pizza", "football", "car", "books", "rocket")
BATCH = 25


def load(world: World, events: int, per_second: float | None = None) -> dict[str, Any]:
    """Let colleagues react so often and wait for every acknowledgement; return the rate and the latencies."""
    client = world.client
    ts = [client.post("message", json={"user": "ada", "text": f"story {i}"}).json()["ts"] for i in range(50)]
    toggles = [(f"user{i % USERS}", ts[i % 50], NAMES[i // USERS % 5], i // (USERS * 5) % 2) for i in range(events)]
    before = world.stats()
    began = time.monotonic()
    for start in range(0, events, BATCH):
        if per_second:
            time.sleep(max(0.0, began + start / per_second - time.monotonic()))
        acts = [
            {"do": "unreact" if back else "react", "user": user, "ts": at, "name": name}
            for user, at, name, back in toggles[start : start + BATCH]
        ]
        results = client.post("acts", json={"acts": acts}).json()["results"]
        assert all(result["ok"] for result in results)
    wanted = before.get("acknowledged", 0) + events
    stats = wait_until(lambda: (s := world.stats()).get("acknowledged", 0) >= wanted and s, "all acknowledgements", 120)
    return {"rate": events / (time.monotonic() - began), "retries": stats.get("retries", 0), **stats["ack_ms"]}


def recorded(world: World) -> int:
    store = world.store()
    try:
        with store._database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM reaction_event").scalar_one())
    finally:
        store.close()


def told(what: str, found: dict[str, Any]) -> None:
    print(f"\n{what:34} {found['rate']:6.0f}/s  ack p50 {found['p50']:6.1f} ms  p99 {found['p99']:6.1f} ms")


@pytest.fixture
def sandbox_users() -> tuple[str, ...]:
    return ("ada:admin", *(f"user{i}" for i in range(USERS)))


@pytest.fixture
def world(tmp_path: Path, sandbox_users: tuple[str, ...]) -> Iterator[World]:
    with SandboxProcess(users=sandbox_users) as sandbox:
        built = World(sandbox, tmp_path)
        yield built
        built.stop()


def test_500_events_a_second_are_acknowledged_within_100_ms_and_none_is_lost(world: World) -> None:
    world.start()
    load(world, 500, per_second=250)  # warm
    paced = load(world, 5000, per_second=550)
    told("tierbot, 550/s offered", paced)
    assert recorded(world) == 5500
    assert paced["rate"] > 500
    assert paced["p99"] < 100


def test_the_bot_takes_at_least_half_of_what_a_listener_takes_that_only_acknowledges(
    tmp_path: Path, sandbox_users: tuple[str, ...]
) -> None:
    rates = {}
    for what in ("bare", "tierbot"):
        with SandboxProcess(users=sandbox_users) as sandbox:
            folder = tmp_path / what
            folder.mkdir()
            world = World(sandbox, folder)
            if what == "tierbot":
                world.start()
            else:
                command = [sys.executable, "-m", "tests.benchmarks.bare_listener"]
                environment = {**world.environment, "PYTHONPATH": str(Path.cwd())}
                world.bots.append(subprocess.Popen(command, env=environment))
                wait_until(lambda w=world: w.stats()["connections"], "the bare listener")
            load(world, 500)
            found = load(world, 4000)
            told(what, found)
            rates[what] = found["rate"]
            world.stop()
    assert rates["tierbot"] >= rates["bare"] / 2


def test_signed_http_takes_500_events_a_second_too(tmp_path: Path, sandbox_users: tuple[str, ...]) -> None:
    with Balancer() as balancer:
        url = f"http://127.0.0.1:{balancer.port}/slack/events"
        with SandboxProcess(users=sandbox_users, flags=("--request-url", url)) as sandbox:
            world = World(sandbox, tmp_path)
            world.environment["SLACK_SIGNING_SECRET"] = "sandbox-signing-secret"
            try:
                world.launch("web", "--host", "127.0.0.1", "--port", "0")
                balancer.ports = [port_of(world, 0)]
                load(world, 500, per_second=250)
                paced = load(world, 4000, per_second=550)
                told("tierbot web, 550/s offered", paced)
                assert recorded(world) == 4500
                assert paced["rate"] > 500
            finally:
                world.stop()
