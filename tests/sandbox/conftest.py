"""A sandbox in its own process, on a free port, and clients for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from slack_sdk import WebClient

from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.server import build_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tierbot.sandbox.kit.settings import Settings


# What no argument of Slack's may be.
JUNK = (
    None,
    "",
    "x",
    "\x00",
    "[",
    "[1]",
    [],
    [None],
    ["x", 1],
    {},
    {"type": []},
    {"blocks": 1},
    0,
    -1,
    1.5,
    True,
    "9" * 400,
)


class Box:
    """A running sandbox."""

    def __init__(self, *flags: str) -> None:
        command = [sys.executable, "-m", "tierbot.sandbox", "--user", "ada:admin", "--user", "bob", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.info: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.channel: str = self.info["channel"]
        self.web = WebClient(token=self.info["bot_token"], base_url=self.info["api_url"])
        self.http = httpx.Client(base_url=self.info["control_url"], timeout=20, trust_env=False)

    def do(self, act: str, **body: Any) -> dict[str, Any]:
        """Act through the control API."""
        found: dict[str, Any] = self.http.post(act, json=body).json()
        return found

    def see(self, what: str, **query: str) -> dict[str, Any]:
        """Look through the control API."""
        found: dict[str, Any] = self.http.get(what, params=query).json()
        return found

    def post(self, text: str = "hello", **more: Any) -> str:
        """Post as the bot and return the timestamp."""
        return str(self.web.chat_postMessage(channel=self.channel, text=text, **more)["ts"])

    def stop(self) -> int:
        """Stop the process with SIGTERM and return its exit code."""
        self.http.close()
        self.process.terminate()
        code = self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@pytest.fixture
def start() -> Iterator[Callable[..., Box]]:
    """Return a function that starts sandboxes, which are stopped at the end."""
    boxes: list[Box] = []

    def start_one(*flags: str) -> Box:
        boxes.append(Box(*flags))
        return boxes[-1]

    yield start_one
    for box in boxes:
        if box.process.poll() is None:
            box.stop()


@pytest.fixture
def box(start: Callable[..., Box]) -> Box:
    """Return a sandbox with the default flags."""
    return start()


class Dependencies:
    """A sandbox in this process, with a clock that stands still, called without a network."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.box = Sandbox(settings, Clock(base=lambda: 1_700_000_000.0))
        self.channel = self.box.home_channel.id
        self.bob = self.box.add_colleague("bob").id

    def raw(self, path: str, **request: Any) -> httpx.Response:
        """Send a POST."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(build_app(self.box))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.post(path, **request)

        return asyncio.run(send())

    def call(self, method: str, token: str | None = "xoxb-sandbox-bot", **arguments: Any) -> dict[str, Any]:  # noqa: S107
        """Call a method of the Web API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        found: dict[str, Any] = self.raw(f"/api/{method}", json=arguments, headers=headers).json()
        return found

    def error(self, method: str, **arguments: Any) -> str:
        """Return how a call is refused."""
        return str(self.call(method, **arguments).get("error"))

    def post(self, **arguments: Any) -> str:
        """Post as the bot and return the timestamp."""
        return str(self.call("chat.postMessage", channel=self.channel, **{"text": "hi", **arguments})["ts"])


@pytest.fixture
def desks() -> Callable[..., Dependencies]:
    """Return what makes sandboxes in this process."""
    return Dependencies


@pytest.fixture
def desk() -> Dependencies:
    """Return a sandbox in this process."""
    return Dependencies()
