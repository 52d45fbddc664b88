"""The same command on a Ray cluster of two nodes: the same bytes, also when a worker or a whole node dies in mid-run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

psutil = pytest.importorskip("psutil")
pytest.importorskip("ray", reason="needs Ray (pip install 'tierbot[ray]')")

ROOT = Path(__file__).parent.parent.parent
ROWS = 6000


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


@pytest.fixture
def backlog(tmp_path: Path) -> Path:
    path = tmp_path / "backlog.jsonl"
    words = ("pizza", "quarterback", "telescope", "bitcoin", "court", "guitar", "vaccine")
    rows = (
        {"title": f"Story {number} of {words[number % 7]}", "text": "It is told again. " * 20} for number in range(ROWS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Cluster:
    """The cluster's process, and hands to hurt it."""

    def __init__(self, folder: Path) -> None:
        self.environment = environment(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bulk.cluster"], cwd=ROOT, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.environment["RAY_ADDRESS"] = next(line.strip() for line in self.process.stdout if line[:1].isdigit())

    def kill_worker(self) -> None:
        """Kill one process that is at work."""
        inside = psutil.Process(self.process.pid).children(recursive=True)
        next(one for one in inside if "ray::do" in " ".join(one.cmdline())).kill()

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


def command(backlog: Path, out: Path, *options: str) -> list[str]:
    line = [sys.executable, "-m", "tierbot", "classify", "--file", str(backlog), "--out", str(out), "--top", "2"]
    return [*line, *options]


def test_a_worker_and_then_a_node_die_in_mid_run_and_the_labels_are_those_of_one_process(
    backlog: Path, tmp_path: Path, cluster: Cluster
) -> None:
    ours, theirs = tmp_path / "local.jsonl", tmp_path / "ray.jsonl"
    subprocess.run(command(backlog, ours, "--workers", "1"), env=environment(tmp_path), check=True, capture_output=True)
    said = (tmp_path / "said").open("w+")
    running = subprocess.Popen(
        command(backlog, theirs, "--engine", "ray"), env=cluster.environment, stdout=said, stderr=said
    )
    parts, hurt = tmp_path / "ray.jsonl.parts", [cluster.kill_worker, cluster.drop_node]
    until = time.monotonic() + 240
    while running.poll() is None and time.monotonic() < until:
        if hurt and len(list(parts.glob("0*.jsonl"))) >= 3 - len(hurt):
            hurt.pop(0)()
        time.sleep(0.02)
    running.wait(1)
    said.close()
    assert running.returncode == 0, (tmp_path / "said").read_text()
    assert not hurt, "it was over before anything could be hurt"
    assert theirs.read_bytes() == ours.read_bytes()
    assert len(theirs.read_bytes().splitlines()) == ROWS


def test_a_cluster_that_does_not_answer_is_named_with_the_way_out(backlog: Path, tmp_path: Path) -> None:
    lost = {**environment(tmp_path), "RAY_ADDRESS": "127.0.0.1:9"}
    done = subprocess.run(
        command(backlog, tmp_path / "out", "--engine", "ray"), env=lost, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "The Ray cluster at RAY_ADDRESS=127.0.0.1:9 does not answer." in done.stderr.replace("\n", " ")


POISON = """
from tierbot.bulk import Shard, Work, engine_of
from tierbot.domain import TierbotError

work = Work("tests.bulk.works:upper", b"{folder}")
for lines in (["die"], ["refuse"]):
    try:
        list(engine_of("ray", 1).done(work, [Shard(0, lines, "line 1")]))
    except TierbotError as fault:
        print(type(fault).__name__, fault)
"""


def test_a_shard_that_kills_every_worker_and_work_that_refuses_are_told_as_by_the_pool(tmp_path: Path) -> None:
    here = {**environment(tmp_path), "RAY_ADDRESS": "local"}
    script = POISON.replace("{folder}", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], env=here, capture_output=True, text=True, check=True)
    assert "WorkerLostError line 1 ended 4 workers in a row" in done.stdout
    assert "TierbotError This line cannot be worked on. Take it out." in done.stdout
