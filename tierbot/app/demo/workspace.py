"""Run the sandbox as the demo's Slack, in a separate process with tierbot's manifest, and use its control API."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Self

import httpx

from tierbot.adapters.slack.manifest import manifest
from tierbot.domain.nouns import TierbotError

ADMIN = "ada"
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """The sandbox's addresses and tokens, as it announces them."""

    url: str
    api_url: str
    control_url: str
    bot_token: str
    app_token: str
    channel: str
    control_token: str | None = None


def own_folder(name: str) -> "TemporaryDirectory[str]":
    """Make a temporary folder for this process, and remove folders of this name left by processes that are gone.

    A folder stays as long as any process has the id of its creator.
    """
    for left in Path(gettempdir()).glob(f"{name}-*"):
        pid = left.name.removeprefix(f"{name}-").partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return TemporaryDirectory(prefix=f"{name}-{os.getpid()}-", ignore_cleanup_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's process
        return True
    return True


class SandboxProcess:
    """Runs `python -m tierbot.sandbox` within a `with` block."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        users: tuple[str, ...] = (f"{ADMIN}:admin",),
        declared: Mapping[str, Any] | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        """Take the app's manifest `declared`, by default tierbot's own, and more `flags` of the sandbox."""
        command = [sys.executable, "-m", "tierbot.sandbox", "--port", str(port), "--seed", str(seed)]
        for user in users:
            command += ["--user", user]
        self._command = [*command, *flags]
        self._declared = manifest() if declared is None else declared
        self._folder: TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.address: Address
        self.teams: list[dict[str, str]] = []
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        """Start the sandbox and wait until it listens. Raises TierbotError if it doesn't."""
        self._folder = own_folder("tierbot-sandbox")
        declared = Path(self._folder.name, "manifest.json")
        declared.write_text(json.dumps(self._declared), encoding="utf-8")
        # We hold its standard input, so that it ends and frees its port even if we are killed.
        command = [*self._command, "--manifest", str(declared), "--end-with-stdin"]
        pipe = subprocess.PIPE
        # Ctrl-C in a terminal is for us alone: if Slack ended before the bot, the bot would log that it is gone.
        process = self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)  # noqa: S603
        line = _first_line(process, _START_SECONDS)
        try:
            announced = json.loads(line)
            self.address = Address(**{name: announced.get(name) for name in Address.__slots__})
            self.teams = list(announced["teams"])
        except (KeyError, ValueError) as fault:
            self.__exit__()
            raise TierbotError("The sandbox did not start; see its output above. Is its port in use?") from fault
        token = self.address.control_token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=self.address.control_url, headers=headers, timeout=10, trust_env=False)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the sandbox."""
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
        if self._folder is not None:
            self._folder.cleanup()

    def command(self, text: str, user: str = ADMIN) -> list[dict[str, Any]]:
        """Run a slash command as a user and return the messages they saw. Raises TierbotError if it failed."""
        answer = self._ask("POST", "command", {"user": user, "command": text, "wait": 5, "expect": 1})
        if answer.get("error"):
            raise TierbotError(f"{text} failed: {answer['error']}.")
        return list(answer.get("responses", []))

    def messages(self) -> list[dict[str, Any]]:
        """Return the channel's newest messages as Slack's JSON, oldest first."""
        return list(self._ask("GET", "messages?limit=500")["messages"])

    def act(self, do: str, user: str, ts: str, name: str) -> dict[str, Any]:
        """Make a user "react" or "unreact"."""
        return self._ask("POST", do, {"user": user, "ts": ts, "name": name})

    def add_user(self, name: str, **traits: Any) -> str:
        """Add a user ("bot", "home", … as the control API takes them) and return their id."""
        return str(self._ask("POST", "users", {"name": name, **traits})["user"]["id"])

    def show(self, panel: dict[str, Any]) -> None:
        """Show the panel next to the channel."""
        self._ask("PUT", "panel", panel)

    def names(self) -> dict[str, str]:
        """Return each user's name by id."""
        return {
            str(user["id"]): str(user.get("real_name") or user["name"]) for user in self._ask("GET", "state")["users"]
        }

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._client is None:
            raise TierbotError("The sandbox isn't running. Use it in a `with` block.")
        try:
            answer: dict[str, Any] = self._client.request(method, path, json=body).json()
        except (httpx.HTTPError, ValueError) as fault:
            raise TierbotError(f"The sandbox does not answer ({fault}).") from fault
        return answer


def _first_line(process: "subprocess.Popen[bytes]", seconds: float) -> bytes:
    """Return the first line of output; empty if the process ended or printed nothing in time."""
    if process.stdout is None:
        return b""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        return process.stdout.readline()
    finally:
        timer.cancel()
