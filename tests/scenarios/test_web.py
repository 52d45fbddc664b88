"""`tierbot web` and `tierbot worker` as operators run them: two of each on one database, Slack over signed HTTP."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.balancer import Balancer
from tests.support.processes import port_of, verdicts
from tierbot.app.demo.workspace import SandboxProcess


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with Balancer() as running:
        yield running


@pytest.fixture
def web_world(tmp_path: Path, balancer: Balancer) -> Iterator[World]:
    url = f"http://127.0.0.1:{balancer.port}/slack/events"
    with SandboxProcess(users=("ada:admin", "bob", "cleo"), flags=("--request-url", url)) as sandbox:
        world = World(sandbox, tmp_path)
        world.environment |= {"SLACK_SIGNING_SECRET": "sandbox-signing-secret"}
        yield world
        world.stop()


def test_two_web_and_two_worker_processes_do_everything_once(web_world: World, balancer: Balancer) -> None:
    for _ in range(2):
        web_world.launch("web", "--host", "127.0.0.1", "--port", "0")
    balancer.ports = [port_of(web_world, place) for place in range(2)]
    for _ in range(2):
        web_world.launch("worker")
    web_world.add_articles(8)
    assert "I'm posting 8" in str(web_world.sandbox.command("/tier push 8"))
    posts = wait_until(lambda: len(web_world.posts()) == 8 and web_world.posts(), "the posts")
    for ts in posts:
        web_world.strangers_react(ts, "soccer")
        for user in ("bob", "cleo"):
            assert web_world.act("react", user, ts, "pizza")["ok"]
    wait_until(lambda: verdicts(web_world) == {ts: {"food": 2} for ts in posts}, "all verdicts")
    assert len(web_world.marks()) == len(set(web_world.marks())) == 8
    for bot in web_world.bots:
        bot.send_signal(signal.SIGTERM)
    assert [bot.wait(15) for bot in web_world.bots] == [0] * 4, web_world.log()
