"""What the processes of a bot write while people use it, at the most talkative level: grepped for what must not be there."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.balancer import Balancer
from tests.support.processes import port_of
from tierbot.app.demo.workspace import SandboxProcess

WEB_TOKEN = "correct-horse-battery-staple"
SIGNING = "sandbox-signing-secret"


@pytest.fixture
def talking_world(tmp_path: Path, database_url: str) -> Iterator[World]:
    with Balancer() as balancer:
        url = f"http://127.0.0.1:{balancer.port}/slack/events"
        with SandboxProcess(users=("ada:admin", "bob", "cleo"), flags=("--request-url", url)) as sandbox:
            world = World(sandbox, tmp_path)
            world.environment |= {
                "SLACK_SIGNING_SECRET": SIGNING,
                "TIERBOT_WEB_TOKEN": WEB_TOKEN,
                "DATABASE_URL": database_url,
                "TIERBOT_LOG_LEVEL": "DEBUG",
                "TIERBOT_LOG_FORMAT": "json",
            }
            world.launch("web", "--host", "127.0.0.1", "--port", "0")
            world.launch("worker")
            world.launch("run")
            balancer.ports = [port_of(world, 0)]
            yield world
            world.stop()


def test_no_log_says_a_secret_or_who_somebody_is_and_each_record_says_what_it_belongs_to(talking_world: World) -> None:
    world = talking_world
    wait_until(lambda: world.stats()["connections"], "the bot to connect")
    world.add_articles(4)
    assert "I'm posting 3" in str(world.sandbox.command("/tier push 3"))
    posts = wait_until(lambda: len(world.posts()) == 3 and world.posts(), "the posts")
    for user in ("bob", "cleo"):
        for ts in posts:
            assert world.act("react", user, ts, "pizza")["ok"]
        world.sandbox.command("/myscore", user=user)
    world.sandbox.command("/tier push 4", user="bob")
    world.sandbox.command("/tier dance <@U0123456789>")
    address, base = world.sandbox.address, f"http://127.0.0.1:{port_of(world, 0)}"
    forged = {"token": address.bot_token, "user": "U0123456789", "client_secret": SIGNING}
    assert world.client.post(f"{base}/slack/events", json=forged).status_code == 401
    assert world.client.get(f"{base}/metrics?token={WEB_TOKEN}").status_code == 401
    figures = world.client.get(f"{base}/metrics", headers={"Authorization": f"Bearer {WEB_TOKEN}"})
    assert figures.status_code == 200
    for bot in world.bots:
        bot.send_signal(signal.SIGTERM)
    assert [bot.wait(30) for bot in world.bots] == [0] * 3, world.log()
    written = world.log()
    secrets = (address.bot_token, address.app_token, SIGNING, WEB_TOKEN)
    assert [secret for secret in secrets if secret in written or secret in figures.text] == []
    assert re.findall(r"\b[UW]0[A-Z0-9]{8,}\b", written + figures.text) == []
    assert re.findall(r"\b(?:ada|bob|cleo)\b", (written + figures.text).lower()) == []
    records = [json.loads(line) for line in written.splitlines() if line]
    refused = [record for record in records if "Refused a request" in record["message"]]
    assert refused
    assert all(record["request"] for record in refused)
    assert {"tierbot.cli.wiring", "tierbot.adapters.slack.connection.web"} <= {record["logger"] for record in records}
