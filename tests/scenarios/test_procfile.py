"""Every process type of the Procfile, started by a Procfile runner: each gets ready, tells its figures, ends with 0."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.paths import ROOT
from tierbot.app.demo.workspace import SandboxProcess

pytest.importorskip("honcho", reason="needs a Procfile runner (pip install honcho)")

PROCFILE = ROOT / "Procfile"
TYPES = [line.partition(":")[0] for line in PROCFILE.read_text(encoding="utf-8").splitlines()]
# honcho gives its children five seconds to end; a busy machine may need more.
RUNNER = "import honcho.manager; honcho.manager.KILL_WAIT = 30; from honcho.command import main; main()"


def free_base() -> int:
    """Return a port such that it and every hundredth above it, one for each process type, are free."""
    for base in range(20_000, 30_000, 7):
        with ExitStack() as held:
            try:
                for place in range(len(TYPES)):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", base + 100 * place))
            except OSError:
                continue
            return base
    raise AssertionError("no ports are free")


@pytest.fixture
def ports() -> dict[str, int]:
    base = free_base()
    return {name: base + 100 * place for place, name in enumerate(TYPES)}


@pytest.fixture
def procfile_world(tmp_path: Path, ports: dict[str, int]) -> Iterator[World]:
    url = f"http://127.0.0.1:{ports['web']}/slack/events"
    with SandboxProcess(users=("ada:admin", "bob"), flags=("--request-url", url)) as sandbox:
        world = World(sandbox, tmp_path)
        tierbot = tmp_path / "bin" / "tierbot"
        tierbot.parent.mkdir()
        tierbot.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tierbot "$@"\n')
        tierbot.chmod(0o755)
        world.environment |= {
            "SLACK_SIGNING_SECRET": "sandbox-signing-secret",
            "PATH": f"{tierbot.parent}{os.pathsep}{os.environ['PATH']}",
        }
        yield world
        world.stop()


def test_every_process_type_gets_ready_and_ends_in_order(procfile_world: World, ports: dict[str, int]) -> None:
    world = procfile_world
    line = [sys.executable, "-c", RUNNER, "-f", str(PROCFILE), "-d", str(world.folder), "start"]
    log = world.folder / "honcho.log"
    with log.open("wb") as output:
        honcho = subprocess.Popen(
            [*line, "--port", str(ports["web"])], cwd=world.folder, env=world.environment, stdout=output, stderr=output
        )
    try:
        for name, port in ports.items():
            wait_until(lambda port=port: honcho.poll() is not None or ready(world, port), f"{name} to get ready", 120)
        assert honcho.poll() is None, log.read_text()
        for port in (ports["worker"], ports["bot"]):
            assert "tierbot_schedule_leases" in world.client.get(f"http://127.0.0.1:{port}/metrics").text
        assert world.client.get(f"http://127.0.0.1:{ports['web']}/metrics").status_code == 404, "no token is set"
    finally:
        honcho.send_signal(signal.SIGTERM)
        honcho.wait(60)
    ended = dict(re.findall(r"(\w+)\.1 stopped \(rc=(-?\d+)\)", log.read_text()))
    assert ended == dict.fromkeys(TYPES, "0"), log.read_text()


def ready(world: World, port: int) -> bool:
    try:
        return all(
            world.client.get(f"http://127.0.0.1:{port}{path}").status_code == 200 for path in ("/healthz", "/readyz")
        )
    except httpx.TransportError:
        return False
