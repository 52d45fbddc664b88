"""A Ray cluster of two nodes on this machine, to be hurt in mid-run."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.paths import ROOT


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TIERBOT_", "RAY_"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{folder}/none.db",
        "TIERBOT_ENCODER": "hashing",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }


class Cluster:
    """The cluster's process, and hands to hurt it."""

    def __init__(self, folder: Path) -> None:
        self.environment = environment(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cluster"], cwd=ROOT, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.environment["RAY_ADDRESS"] = next(line.strip() for line in self.process.stdout if line[:1].isdigit())

    def kill_worker(self) -> None:
        """Kill one process that is at work, waiting for one that is."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for one in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if "ray::do" in " ".join(one.cmdline()):
                        one.kill()
                        return
            time.sleep(0.005)
        raise AssertionError("no worker was at work")

    def drop_node(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("drop\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        inside = psutil.Process(self.process.pid).children(recursive=True)
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        for one in inside:
            if one.is_running():
                one.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    yield running
    running.stop()
