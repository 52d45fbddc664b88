"""`embed` and `backtest --seeds` on a Ray cluster: a worker dies in mid-run, or the command itself, and all is as on one process."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.app.bulk.conftest import Cluster, environment
from tests.conftest import WORKSPACE, build_harness
from tests.support.commands import run_command
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.store import open_store

pytest.importorskip("ray", reason="needs Ray (pip install '.[ray]')")

ARTICLES = 6000
SEEDS = 8
PATIENCE = 240  # seconds


def tierbot(here: dict[str, str], folder: Path, *words: object) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "tierbot", *map(str, words)]
    return subprocess.Popen(line, cwd=folder, env=here, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def alone(folder: Path, *words: object) -> str:
    """Return all that a command without a cluster said; it must end well."""
    done = run_command(words, cwd=folder, env={**environment(folder), "DATABASE_URL": f"sqlite:///{folder}/bot.db"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(running: "subprocess.Popen[str]") -> str:
    """Return all that a command said; it must end well."""
    said, _ = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, said
    return said


def wait_for(begun: Callable[[], bool], running: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + PATIENCE
    while not begun():
        assert running.poll() is None, f"over before anything could be hurt: {running.communicate()[0]}"
        assert time.monotonic() < until
        time.sleep(0.01)


# --- embed ----------------------------------------------------------------------------------------


def waiting_articles(folder: Path) -> list[str]:
    """Make a database with articles that nobody embedded; return their ids."""
    harness = build_harness(folder)
    articles = harness.articles(ARTICLES)
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.articles.add(articles)
    harness.bot.close()
    (folder / "test.db").rename(folder / "bot.db")
    return [article.id for article in articles]


def vectors(folder: Path, ids: list[str]) -> dict[str, np.ndarray]:
    store = open_store(f"sqlite:///{folder}/bot.db")
    with store.read(WORKSPACE) as tx:
        found = tx.articles.embeddings(HashingEncoder().digest, ids)
    store.close()
    return found


def test_embed_on_ray_gives_the_vectors_of_one_process_though_a_worker_and_then_the_command_are_killed(
    tmp_path: Path, cluster: Cluster
) -> None:
    ids = waiting_articles(tmp_path)
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "bot.db").write_bytes((tmp_path / "bot.db").read_bytes())
    assert f"{ARTICLES} articles embedded." in alone(ours, "embed", "--workers", 1)
    here = {**cluster.environment, "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db"}
    running = tierbot(here, tmp_path, "embed", "--engine", "ray")
    wait_for(lambda: len(vectors(tmp_path, ids)) > 0, running)
    cluster.kill_worker()
    before = len(vectors(tmp_path, ids))
    wait_for(lambda: len(vectors(tmp_path, ids)) > before, running)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    kept = len(vectors(tmp_path, ids))
    assert f"{ARTICLES - kept} articles embedded." in told(tierbot(here, tmp_path, "embed", "--engine", "ray"))
    found, wanted = vectors(tmp_path, ids), vectors(ours, ids)
    assert set(found) == set(wanted) == set(ids)
    assert all((found[one] == wanted[one]).all() for one in ids)


# --- backtest -------------------------------------------------------------------------------------


def stories(folder: Path) -> Path:
    words = {"food": "pizza pasta oven", "space": "rocket planet orbit", "law": "court judge jury"}
    rows = [
        {"title": f"Story {n} about {words[tag].split()[n // 3 % 3]}", "tags": [tag], "url": f"https://n.example/{n}"}
        for n in range(400)
        for tag in [list(words)[n % 3]]
    ]
    path = folder / "stories.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def backtest(archive: Path, out: Path, *more: object) -> list[object]:
    play = ["--seeds", f"0..{SEEDS - 1}", "--rounds", 2, "--posts-per-round", 40, "--window", 50, "--json"]
    return ["backtest", archive, *play, "--out", out, *more]


def test_a_backtest_over_seeds_on_ray_is_that_of_one_process_though_a_worker_is_killed(
    tmp_path: Path, cluster: Cluster
) -> None:
    archive, ours, theirs = stories(tmp_path), tmp_path / "local.jsonl", tmp_path / "ray.jsonl"
    said = alone(tmp_path, *backtest(archive, ours, "--workers", 1))
    running = tierbot(cluster.environment, tmp_path, *backtest(archive, theirs, "--engine", "ray"))
    wait_for(lambda: bool(list(tmp_path.glob("ray.jsonl.parts/0*.jsonl"))), running)
    cluster.kill_worker()
    again = told(running)
    assert theirs.read_bytes() == ours.read_bytes()
    assert len(theirs.read_text().splitlines()) == 2 * SEEDS
    summaries = [[line for line in text.splitlines() if line.startswith("{")] for text in (said, again)]
    assert summaries[0] == summaries[1]
    assert sorted(path.name for path in tmp_path.glob("*.jsonl*")) == ["local.jsonl", "ray.jsonl", "stories.jsonl"]


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_backtest_that_was_killed_goes_on_and_does_nothing_again_that_was_done(
    tmp_path: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    here = environment(tmp_path) if engine == "local" else request.getfixturevalue("cluster").environment
    archive, out = stories(tmp_path), tmp_path / "out.jsonl"
    line = backtest(archive, out, "--engine", engine, "--workers", 2)
    running = tierbot(here, tmp_path, *line)
    wait_for(lambda: bool(list(tmp_path.glob("out.jsonl.parts/0*.jsonl"))), running)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out.jsonl.*parts/0*.jsonl")}
    assert [path for path in done if "embedded" in path.parent.name], "the embeddings are kept until all is done"
    mark = next(path for path in done if path.parent.name == "out.jsonl.parts")
    mark.write_text(mark.read_text().replace('"round": 1,', '"round": 1, "kept": true,'))
    embedded = {path: at for path, at in done.items() if "embedded" in path.parent.name}
    again = tierbot(here, tmp_path, *line)
    wait_for(lambda: len(list(tmp_path.glob("out.jsonl.parts/0*.jsonl"))) > len(done) - len(embedded), again)
    assert {path: path.stat().st_mtime_ns for path in embedded} == embedded
    told(again)
    records = [json.loads(text) for text in out.read_text().splitlines()]
    assert sum(record.get("kept", False) for record in records) == 1, "what was done was not done again"
    assert [(record["seed"], record["round"]) for record in records] == [(s, r) for s in range(SEEDS) for r in (1, 2)]
    assert not list(tmp_path.glob("*.parts"))
