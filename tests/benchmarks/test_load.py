"""Reaction events per second into the SQLite ledger, beside a Bolt listener that only acknowledges.

    pytest tests/benchmarks/test_load.py -s

The sandbox, its colleagues and the bot share the machine; events come over real sockets, by Socket Mode and by signed
HTTP, and are reactions to real posts, which the bot tallies and settles meanwhile. At 100 events a second, the 99th
percentile of the acknowledgements must be below 100 ms and no event may be lost. As fast as the sender can go, the bot
must record 300 a second. Both are printed beside a Bolt listener that only acknowledges, in turns, because a busy machine
slows both. Each event is committed to the ledger before it is acknowledged. Slack's own ceiling is 30,000 events an hour
per workspace, or 8.3 a second.

At full speed the sender competes for processor time, so processor time per event is printed too.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.balancer import Balancer
from tests.support.processes import port_of
from tierbot.app.demo.workspace import SandboxProcess

USERS, POSTS = 200, 50
NAMES = ("pizza", "football", "car", "books", "rocket")
BATCH = 25
TURNS, BURST = 4, 1500


class Load:
    """Colleagues who react to a world's posts and take their reactions back, going on where they stopped."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._places = world.posts() or _messages(world)
        self._sent = 0

    def __call__(self, events: int, per_second: float | None = None) -> dict[str, Any]:
        """Let colleagues react so often and wait for every acknowledgement.

        Returns the rate, the latencies (of all of this Slack's events so far), and processor ms per event: of the bot, of
        Slack in its box, of this generator.
        """
        world = self._world
        before, spent, began = world.stats(), _cpu(world), time.monotonic()
        for start in range(0, events, BATCH):
            if per_second:
                time.sleep(max(0.0, began + start / per_second - time.monotonic()))
            acts = [self._act(self._sent + number) for number in range(BATCH)]
            self._sent += BATCH
            results = world.client.post("acts", json={"acts": acts}).json()["results"]
            assert all(result["ok"] for result in results)
        wanted = before.get("acknowledged", 0) + events
        stats = wait_until(
            lambda: (s := world.stats()).get("acknowledged", 0) >= wanted and s, "all acknowledgements", 120
        )
        cpu = {name: 1000 * (now - spent[name]) / events for name, now in _cpu(world).items()}
        return {"rate": events / (time.monotonic() - began), "cpu": cpu, **stats["ack_ms"]}

    def _act(self, number: int) -> dict[str, str]:
        """Return the n-th reaction: a thousand are added, then taken back, and so on."""
        back, user = number // (USERS * len(NAMES)) % 2, f"user{number % USERS}"
        place, name = self._places[number % POSTS], NAMES[number // USERS % len(NAMES)]
        return {"do": "unreact" if back else "react", "user": user, "ts": place, "name": name}


def _messages(world: World) -> list[str]:
    """Return the ts of as many messages as there would be posts: the bare listener posts nothing."""
    return [world.client.post("message", json={"user": "ada", "text": f"story {i}"}).json()["ts"] for i in range(POSTS)]


def _ask(world: World) -> None:
    """Let the bot post articles."""
    world.add_articles(POSTS)
    world.sandbox.command(f"/tier push {POSTS}")
    wait_until(lambda: len(world.posts()) == POSTS, "the posts")


def _cpu(world: World) -> dict[str, float]:
    def seconds(pid: int | None) -> float:
        return sum(psutil.Process(pid).cpu_times()[:2])

    slack = world.sandbox._process
    assert slack is not None
    return {"bot": sum(seconds(bot.pid) for bot in world.bots), "Slack": seconds(slack.pid), "generator": seconds(None)}


def told(what: str, found: dict[str, Any]) -> None:
    cpu = ", ".join(f"{name} {ms:.2f}" for name, ms in found["cpu"].items())
    print(
        f"\n{what:28} {found['rate']:6.0f}/s  ack p50 {found['p50']:6.1f} ms  p99 {found['p99']:6.1f} ms  CPU ms {cpu}"
    )


def recorded(world: World) -> int:
    store = world.store()
    try:
        with store._database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM reaction_event").scalar_one())
    finally:
        store.close()


@contextmanager
def by_socket(folder: Path, *, bare: bool) -> Iterator[World]:
    """Connect tierbot, or the bare listener, to a Slack of its own by Socket Mode."""
    with SandboxProcess(users=USER_NAMES) as sandbox:
        world = _world(sandbox, folder)
        try:
            if bare:
                _start_bare(world)
                wait_until(lambda: world.stats()["connections"], "the bare listener")
            else:
                world.start()
                _ask(world)
            yield world
        finally:
            world.stop()


@contextmanager
def by_http(folder: Path, *, bare: bool) -> Iterator[World]:
    """Put tierbot's web process, or the bare listener, behind a balancer that a Slack of its own posts to."""
    with Balancer() as balancer:
        url = f"http://127.0.0.1:{balancer.port}/slack/events"
        with SandboxProcess(users=USER_NAMES, flags=("--request-url", url)) as sandbox:
            world = _world(sandbox, folder)
            try:
                if bare:
                    _start_bare(world, "--http")
                else:
                    world.launch("web", "--host", "127.0.0.1", "--port", "0")
                balancer.ports = [port_of(world, 0)]
                if not bare:
                    world.launch("worker")
                    _ask(world)
                yield world
            finally:
                world.stop()


USER_NAMES = ("ada:admin", *(f"user{i}" for i in range(USERS)))
WAYS = pytest.mark.parametrize("way", [by_socket, by_http], ids=["Socket Mode", "signed HTTP"])


def _world(sandbox: SandboxProcess, folder: Path) -> World:
    folder.mkdir()
    world = World(sandbox, folder)
    world.environment |= {"SLACK_SIGNING_SECRET": "sandbox-signing-secret", "PYTHONPATH": str(Path.cwd())}
    return world


def _start_bare(world: World, *flags: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.bare_listener", *flags]
    with (world.folder / "bot-0.log").open("wb") as log:
        world.bots.append(subprocess.Popen(command, env=world.environment, stdout=log, stderr=log))


@WAYS
def test_100_events_a_second_are_acknowledged_within_100_ms_and_none_is_lost(way: Any, tmp_path: Path) -> None:
    with way(tmp_path / "bare", bare=True) as world:
        load = Load(world)
        load(500, per_second=100)
        told(f"bare, {way.__name__}, paced", load(2000, per_second=100))
    with way(tmp_path / "bot", bare=False) as world:
        load = Load(world)
        load(500, per_second=100)  # warm; its latencies count too
        paced = load(2000, per_second=100)
        told(f"tierbot, {way.__name__}, paced", paced)
        assert recorded(world) == 2500
    assert paced["rate"] > 90
    assert paced["p99"] < 100


@WAYS
def test_the_bot_records_at_least_300_events_a_second(way: Any, tmp_path: Path) -> None:
    with ExitStack() as stack:
        worlds = {what: stack.enter_context(way(tmp_path / what, bare=what == "bare")) for what in ("bare", "tierbot")}
        loads = {what: Load(world) for what, world in worlds.items()}
        rates: dict[str, list[float]] = {what: [] for what in worlds}
        spent: dict[str, list[float]] = {what: [] for what in worlds}
        for turn in range(TURNS + 1):
            for what, load in loads.items():
                found = load(BURST)
                if turn:  # the first is to warm up
                    told(f"{what}, {way.__name__}", found)
                    rates[what].append(found["rate"])
                    spent[what].append(found["cpu"]["bot"])
        assert recorded(worlds["tierbot"]) == BURST * (TURNS + 1)
    typical = {what: statistics.median(found) for what, found in rates.items()}
    cpu = {what: statistics.median(found) for what, found in spent.items()}
    print(f"\n{way.__name__}: tierbot {typical['tierbot']:.0f} a second, the bare listener {typical['bare']:.0f}")
    print(f"processor time per event: tierbot {cpu['tierbot']:.2f} ms, the bare listener {cpu['bare']:.2f} ms")
    assert typical["tierbot"] >= 300
