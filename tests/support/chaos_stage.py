"""Where chaos is played: a Slack workspace in a box, and the processes that make one bot.

`run` processes listen by Socket Mode; `web` processes stand behind a balancer, to which Slack sends signed requests.
"""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.scenarios.conftest import World, wait_until
from tests.support.balancer import Balancer
from tests.support.chaos_witness import Witness
from tests.support.mutants import MUTANT
from tierbot.app.demo.workspace import SandboxProcess

TIMINGS = json.dumps({"ack": 3, "retries": [0, 1, 3], "history": 0.5})


@dataclass(frozen=True)
class Plan:
    """How much chaos. `processes` are the tierbot commands that make one bot."""

    seed: int
    reactions: int
    posts: int
    users: int
    kills: int
    batch: int = 40
    processes: tuple[str, ...] = ("run",)
    faults: Mapping[str, Any] = field(default_factory=dict)  # of the sandbox, besides those of all chaos
    patience: float = 240.0  # seconds in which all must be right again after the last fault
    mutant: str = ""  # what is wrong with the bot on purpose, by its name in mutants.py

    @property
    def by_http(self) -> bool:
        """Whether Slack sends signed requests, rather than keeping sockets."""
        return "web" in self.processes


@dataclass
class Harness:
    """What a play is played on. `balancer` is there only where Slack comes by HTTP."""

    world: World
    balancer: Balancer | None
    witness: Witness

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return str(self.world.client.get("state").json()["app"]["user_id"])

    def is_reached(self) -> bool:
        """Say whether Slack reaches the bot now."""
        if self.balancer is None:
            return bool(self.world.stats()["connections"])
        with suppress(httpx.HTTPError):
            ready = httpx.get(f"http://127.0.0.1:{self.balancer.port}/readyz", timeout=5, trust_env=False)
            return ready.status_code == httpx.codes.OK
        return False


@contextmanager
def raised(plan: Plan, url: str, folder: Path, reconcile_minutes: float) -> Iterator[Harness]:
    """Start everything that a plan needs; stop it all in the end."""
    users = ("ada:admin", *(f"user{number}" for number in range(plan.users)))
    with ExitStack() as stack:
        witness = stack.enter_context(Witness(url))
        flags: tuple[str, ...] = ("--timings", TIMINGS, "--seed", str(plan.seed), "--ask-on-ack", witness.url)
        balancer = stack.enter_context(Balancer()) if plan.by_http else None
        if balancer is not None:
            balancer.ports = _free_ports(plan.processes.count("web"))
            flags += ("--request-url", f"http://127.0.0.1:{balancer.port}/slack/events")
        sandbox = stack.enter_context(SandboxProcess(users=users, flags=flags))
        world = World(sandbox, folder)
        stack.callback(world.stop)
        world.environment |= {
            "DATABASE_URL": url,
            "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
            "TIERBOT_RECONCILE_EVERY_MINUTES": str(reconcile_minutes),
            "TIERBOT_SLACK_POSTS_PER_SECOND": "200",
            **({MUTANT: plan.mutant} if plan.mutant else {}),
        }
        ports = iter(balancer.ports if balancer else ())
        for command in plan.processes:
            web = ("--host", "127.0.0.1", "--port", str(next(ports))) if command == "web" else ()
            world.launch(command, *web)
        harness = Harness(world, balancer, witness)
        wait_until(harness.is_reached, "the bot to be reached", 120)
        yield harness


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now: a web process that is killed comes back at its own."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
