"""A sandbox in its own process, on a free port, and clients for it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from slack_sdk import WebClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
