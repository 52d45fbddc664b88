"""Does `/readyz` tell of what takes minutes to notice? A locked database, and a poll of feeds that never answer.

    python -m tests.benchmarks.readiness [--database postgresql] [--feeds 800]

A real `tierbot run` reads so many feeds from a server that accepts connections and says nothing: 800 keep a poll busy for
17 minutes. Meanwhile its database is locked for a minute. It fails unless `/readyz` answers 503 with the reason each time,
and is ready again after the lock. It prints each answer once, with the seconds since the start. What is noticed within
seconds is tested in tests/scenarios/test_unattended.py.
"""

import argparse
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import create_engine, text

from tests.scenarios.conftest import World, wait_until
from tests.support.databases import database
from tests.support.processes import port_of
from tierbot.app.demo.workspace import SandboxProcess

HANGS_AFTER = 20 * 60.0  # seconds to wait for the poll's 503; it comes after 15 minutes
_LOCK = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "LOCK TABLE lease, workspace, tierbot_schema IN ACCESS EXCLUSIVE MODE",
}


@contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and say nothing; give the port."""
    held = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                held.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Keep the bot from writing to its database."""
    kind = "sqlite" if url.startswith("sqlite") else "postgresql"
    engine = create_engine(url)
    with engine.connect() as connection:
        if kind == "sqlite":
            connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr] # it begins by itself
        connection.execute(text(_LOCK[kind]))
        yield
        connection.execute(text("ROLLBACK"))
    engine.dispose()


class Probe:
    """Asks `/readyz`, and prints each new answer with the seconds since the start."""

    def __init__(self, port: int) -> None:
        self._url, self._began, self._last = f"http://127.0.0.1:{port}/readyz", time.monotonic(), ""

    def becomes(self, status: int, part: str, patience: float) -> None:
        """Wait for an answer with this status and part of the text. Raises AssertionError after `patience` seconds."""
        wait_until(lambda: self._answers(status, part), f"{status} {part}", patience)

    def _answers(self, status: int, part: str) -> bool:
        time.sleep(0.5)
        answer = httpx.get(self._url, trust_env=False, timeout=60)
        if answer.text != self._last:
            print(f"{time.monotonic() - self._began:6.0f} s  {answer.status_code} {answer.text}", flush=True)
        self._last = answer.text
        return answer.status_code == status and part in answer.text


def check(kind: str, feeds: int, folder: Path) -> None:
    """Run the check on a kind of database."""
    with silent_server() as port, database(kind, folder) as url, SandboxProcess(users=("ada:admin", "bob")) as box:
        world = World(box, folder)
        listed = folder / "feeds.txt"
        listed.write_text("".join(f"http://127.0.0.1:{port}/{number}.xml\n" for number in range(feeds)))
        world.environment |= {
            "DATABASE_URL": url,
            "TIERBOT_FEEDS": str(listed),
            "TIERBOT_FEEDS_ALLOW_LOCAL": "true",
            "TIERBOT_METRICS_PORT": "0",
        }
        try:
            world.start()
            probe = Probe(port_of(world, 0, "health checks on port"))
            probe.becomes(200, "ready", 60)
            with locked(url):
                probe.becomes(503, "locked", 90)
            probe.becomes(200, "ready", 90)
            probe.becomes(503, "has been running for", HANGS_AFTER)
        finally:
            world.stop()


def main() -> None:
    """Run the check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=sorted(_LOCK), default="sqlite")
    parser.add_argument("--feeds", type=int, default=800)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="tierbot-ready-") as folder:
        check(options.database, options.feeds, Path(folder))


if __name__ == "__main__":
    main()
