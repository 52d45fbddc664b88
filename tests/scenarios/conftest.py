"""`tierbot run` as a process of its own against a Slack workspace in a box, over real sockets."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.commands import Command, run_command
from tests.support.databases import blank_database, postgresql_server
from tierbot.adapters.store import open_store
from tierbot.adapters.store.store import SqlStore
from tierbot.app.demo.workspace import SandboxProcess

PATIENCE = 60.0


def wait_until(true: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return the first truthy answer; fail after so many seconds. Polling, since other processes do the work."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if answer := true():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:g} s in vain: {what}")


class World:
    """A sandbox, a database, and the bot's processes."""

    def __init__(self, sandbox: SandboxProcess, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        address = sandbox.address
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TIERBOT_"))},
            "SLACK_BOT_TOKEN": address.bot_token,
            "SLACK_APP_TOKEN": address.app_token,
            "SLACK_API_URL": address.api_url,
            "TIERBOT_CHANNEL": address.channel,
            "DATABASE_URL": f"sqlite:///{folder}/bot.db",
            "TIERBOT_ENCODER": "hashing",
            "TIERBOT_SEED": "1",
            "TIERBOT_QUIET_HOURS": "00:00-23:59",
            "TIERBOT_SLACK_POSTS_PER_SECOND": "100",
        }
        self.client = httpx.Client(base_url=address.control_url, timeout=10, trust_env=False)
        self.bots: list[Command] = []

    def start(self) -> Command:
        """Start `tierbot run` and wait until it is connected."""
        connections = self.stats()["connections"]
        bot = self.launch("run")
        wait_until(lambda: bot.poll() is not None or self.stats()["connections"] > connections, "the bot to connect")
        assert bot.poll() is None, self.log()
        return bot

    def launch(self, *command: str) -> Command:
        """Start a tierbot command that goes on running."""
        log = self.folder / f"bot-{len(self.bots)}.log"
        bot = Command(command, cwd=self.folder, env=self.environment, out=log)
        self.bots.append(bot)
        return bot

    def log(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("bot-*.log")))

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another tierbot command in the bot's environment."""
        return run_command(arguments, cwd=self.folder, env=self.environment)

    def stats(self) -> dict[str, Any]:
        return self.client.get("stats").json()

    def strangers_react(self, ts: str, emoji: str) -> list[str]:
        """Let another app's bot and somebody of another company react, and return their names."""
        strangers: dict[str, dict[str, Any]] = {"zap": {"bot": True}, "zoe": {"home": "T0ABROAD"}}
        for name, traits in strangers.items():
            if name not in self.sandbox.names().values():
                self.sandbox.add_user(name, **traits)
            assert self.act("react", name, ts, emoji)["ok"]
        return list(strangers)

    def messages(self) -> list[dict[str, Any]]:
        return self.client.get("messages", params={"limit": 5000}).json()["messages"]

    def marks(self) -> list[str]:
        """Return the delivery ids of all the bot's messages: one that was sent twice is here twice."""
        marked = [message.get("metadata") or {} for message in self.messages()]
        return [mark["event_payload"]["delivery_id"] for mark in marked if mark]

    def posts(self) -> list[str]:
        """Return the ts of the posts about articles."""
        return [message["ts"] for message in self.messages() if "https://n.example/" in str(message)]

    def add_articles(self, count: int, start: int = 0) -> None:
        subjects = (
            "pizza and pasta recipes",
            "the quarterback's touchdown",
            "a new telescope in space",
            "bitcoin wallets",
        )
        rows = [
            {"title": f"Story {i * 7919} about {subjects[i % 4]}", "url": f"https://n.example/{i}", "source": "News"}
            for i in range(start, start + count)
        ]
        path = self.folder / "articles.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = self.run("add", str(path))
        assert done.returncode == 0, done.stderr

    def store(self) -> SqlStore:
        return open_store(self.environment["DATABASE_URL"])

    def act(self, do: str, user: str, ts: str, name: str) -> dict[str, Any]:
        return self.client.post(do, json={"user": user, "ts": ts, "name": name}).json()

    def stop(self) -> None:
        self.client.close()
        for bot in self.bots:
            bot.kill()
            bot.wait()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with SandboxProcess(seed=1, users=("ada:admin", "bob", "cleo")) as sandbox:
        built = World(sandbox, tmp_path)
        yield built
        built.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Callable[[str], str]]:
    """Start a PostgreSQL server for this worker; return a function from a database's name to its URL."""
    with postgresql_server() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a blank database, on each kind of server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bot.db"
        return
    with blank_database(request.getfixturevalue("server")) as url:
        yield url


@pytest.fixture
def any_world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """Return a world on each kind of database."""
    with SandboxProcess(seed=1, users=("ada:admin", "bob", "cleo")) as sandbox:
        built = World(sandbox, tmp_path)
        built.environment["DATABASE_URL"] = database_url
        yield built
        built.stop()
