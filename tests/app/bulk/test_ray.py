"""The same command on a Ray cluster of two nodes: the same bytes, also when a worker or a whole node dies in mid-run."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.app.bulk.conftest import Cluster, environment
from tests.support.commands import Command, run_command

pytest.importorskip("ray", reason="needs Ray (pip install '.[ray]')")

ROWS = 6000


@pytest.fixture
def backlog(tmp_path: Path) -> Path:
    path = tmp_path / "backlog.jsonl"
    words = ("pizza", "quarterback", "telescope", "bitcoin", "court", "guitar", "vaccine")
    rows = (
        {"title": f"Story {number} of {words[number % 7]}", "text": "It is told again. " * 20} for number in range(ROWS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def command(backlog: Path, out: Path, *options: str) -> list[str]:
    return ["classify", "--file", str(backlog), "--out", str(out), "--top", "2", *options]


def test_a_worker_and_then_a_node_die_in_mid_run_and_the_labels_are_those_of_one_process(
    backlog: Path, tmp_path: Path, cluster: Cluster
) -> None:
    ours, theirs = tmp_path / "local.jsonl", tmp_path / "ray.jsonl"
    alone = run_command(command(backlog, ours, "--workers", "1"), cwd=tmp_path, env=environment(tmp_path))
    assert alone.returncode == 0, alone.stderr
    line, said = command(backlog, theirs, "--engine", "ray"), tmp_path / "said"
    running = Command(line, cwd=tmp_path, env=cluster.environment, out=said)
    parts, hurt = tmp_path / "ray.jsonl.parts", [cluster.kill_worker, cluster.drop_node]
    until = time.monotonic() + 240
    while running.poll() is None and time.monotonic() < until:
        if hurt and len(list(parts.glob("0*.jsonl"))) >= 3 - len(hurt):
            hurt.pop(0)()
        time.sleep(0.02)
    assert running.wait(1) == 0, said.read_text()
    assert not hurt, "it was over before anything could be hurt"
    assert theirs.read_bytes() == ours.read_bytes()
    assert len(theirs.read_bytes().splitlines()) == ROWS


def test_a_cluster_that_does_not_answer_is_named_with_the_way_out(backlog: Path, tmp_path: Path) -> None:
    lost = {**environment(tmp_path), "RAY_ADDRESS": "127.0.0.1:9"}
    done = run_command(command(backlog, tmp_path / "out", "--engine", "ray"), cwd=tmp_path, env=lost)
    assert done.returncode == 1
    assert "The Ray cluster at RAY_ADDRESS=127.0.0.1:9 does not answer." in done.stderr.replace("\n", " ")


POISON = """
from tierbot.app.bulk import Shard, Work, engine_of
from tierbot.domain.nouns import TierbotError

work = Work("tests.support.works:upper", b"{folder}")
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
    assert "WorkerLostError line 1: 4 workers in a row" in done.stdout
    assert "TierbotError This line cannot be worked on. Take it out." in done.stdout
