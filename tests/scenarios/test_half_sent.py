"""Requests that are never completed, at a real `tierbot web`: they cost neither Slack its answers nor anybody the health checks."""

import hashlib
import hmac
import json
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.scenarios.conftest import World
from tests.support.processes import port_of
from tierbot.app.demo.workspace import SandboxProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits another process's descriptors")
SECRET = "sandbox-signing-secret"
HELD = 1_200
DESCRIPTORS = 1_024  # what most systems give a process
HALVES = (
    b"",
    b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n\r\n{",
)


@pytest.fixture
def web_world(tmp_path: Path, database_url: str) -> Iterator[World]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, 4 * HELD)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        pytest.skip(f"{HELD} connections need more descriptors than the {hard} that this system allows")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    with SandboxProcess(users=("ada:admin",)) as sandbox:
        world = World(sandbox, tmp_path)
        world.environment |= {"SLACK_SIGNING_SECRET": SECRET, "DATABASE_URL": database_url}
        yield world
        world.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def signed(body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    mark = hmac.new(SECRET.encode(), b"v0:" + now.encode() + b":" + body, hashlib.sha256).hexdigest()
    kind = {"Content-Type": "application/json"}
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={mark}", **kind}


def reaction(world: World, number: int) -> bytes:
    """Return an event of a reaction, as Slack sends it."""
    ts, channel = f"{int(time.time())}.{number:06}", world.environment["TIERBOT_CHANNEL"]
    item = {"type": "message", "channel": channel, "ts": ts}
    event = {"type": "reaction_added", "user": "U0ADA", "reaction": "pizza", "item": item, "event_ts": ts}
    store = world.store()
    (team,) = store.workspace_ids()
    store.close()
    authorization = {"team_id": team, "user_id": "UBOT", "is_bot": True}
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": team,
            "event_id": f"Ev{number}",
            "authorizations": [authorization],
            "event": event,
        }
    ).encode()


def open_half(port: int, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    made.sendall(sent)
    return made


def ask(port: int, body: bytes) -> tuple[float, float]:
    """Send a signed reaction and ask for the health; return how many seconds each answer took."""
    took = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        for method, path, content, headers in (
            ("POST", "/slack/events", body, signed(body)),
            ("GET", "/healthz", b"", {}),
        ):
            began = time.monotonic()
            answer = client.request(method, path, content=content, headers={**headers, "Connection": "close"})
            took.append(time.monotonic() - began)
            assert answer.status_code == 200
    return took[0], took[1]


def refuse_malformed(port: int) -> None:
    """Send signed bodies that no Slack sends, and one that breaks off."""
    bodies = (b"{", b"[]", b"\xff", b"[" * 100_000, b'{"type": ["x"]}', b'{"type": "event_callback", "event": 5}')
    with httpx.Client(trust_env=False, timeout=10) as client:
        for body in bodies:
            answer = client.post(f"http://127.0.0.1:{port}/slack/events", content=body, headers=signed(body))
            assert (answer.status_code, answer.text) == (400, "malformed")
    open_half(port, HALVES[-1]).close()


def descriptors(pid: int) -> list[str]:
    """Return what a process has open."""
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(one.readlink()))
    return found


def full_of_descriptors(world: World, pid: int, port: int) -> None:
    """Leave a process hardly any descriptors, and see it tell so in one line and answer still."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    files = sum(not link.startswith("socket:") for link in descriptors(pid))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (files + 10, hard))
    with ExitStack() as held, httpx.Client(trust_env=False, timeout=30) as client:
        for _ in range(20):
            held.enter_context(open_half(port, b""))
        for _ in range(3):
            assert client.get(f"http://127.0.0.1:{port}/healthz", headers={"Connection": "close"}).status_code == 200
    assert world.log().count("Can't accept connections: [Errno 24] Too many open files.") == 1


def test_slack_and_health_checks_are_answered_within_a_second_while_1200_requests_are_half_sent(
    web_world: World,
) -> None:
    process = web_world.launch("web", "--host", "127.0.0.1", "--port", "0")
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    port = port_of(web_world, 0)
    refuse_malformed(port)
    ask(port, reaction(web_world, 0))  # the first request of a process loads what the others use
    with ExitStack() as held:
        for number in range(HELD):
            held.enter_context(open_half(port, HALVES[number % len(HALVES)]))
        for number in range(1, 4):
            seconds = ask(port, reaction(web_world, number))
            assert max(seconds) < 1
        assert len(descriptors(process.pid)) < DESCRIPTORS / 2
        full_of_descriptors(web_world, process.pid, port)
        assert "Traceback" not in web_world.log()
        assert len(web_world.log()) < 10_000
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
