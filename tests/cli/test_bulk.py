"""Commands for bulk work: killed and begun again the result is the same, and so it is with any number of workers."""

import gzip
import json
import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.support.commands import Command, run_command
from tests.support.external_predictors import FOOD, install
from tests.support.paths import ROOT


def archive(path: Path, rows: int) -> Path:
    topics = {"food": "pizza pasta oven", "space": "rocket planet orbit", "law": "court judge jury"}
    lines = []
    for number in range(rows):
        topic = list(topics)[number % 3]
        word = topics[topic].split()[number // 3 % 3]
        lines.append(
            json.dumps({"title": f"Story {number} about {word}", "tags": [topic], "url": f"https://n.example/{number}"})
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TIERBOT_"))}
    database = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "TIERBOT_ENCODER": "hashing"}
    return {**kept, "PYTHONPATH": str(ROOT), **database, **more}


def tierbot(folder: Path, *arguments: object, **more: str) -> "subprocess.CompletedProcess[str]":
    return run_command(arguments, cwd=folder, env=environment(folder, **more))


def test_classify_killed_in_mid_run_goes_on_and_writes_what_one_undisturbed_run_writes(tmp_path: Path) -> None:
    backlog = archive(tmp_path / "backlog.jsonl", 4000)
    options = ("classify", "-f", backlog, "--top", 3, "--out")
    assert tierbot(tmp_path, *options, "whole.jsonl", "--workers", 1).returncode == 0
    line = [*options, "cut.jsonl", "--workers", 2]
    running = Command(line, cwd=tmp_path, env=environment(tmp_path), out=Path(os.devnull))
    until = time.monotonic() + 120
    while not list(tmp_path.glob("cut.jsonl.parts/0*.jsonl")) and time.monotonic() < until:
        time.sleep(0.01)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    running.wait()
    assert not psutil.wait_procs(workers, timeout=60)[1], "workers outlived what they work for"
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("cut.jsonl.parts/0*.jsonl")}
    assert kept
    assert not (tmp_path / "cut.jsonl").exists()
    again = tierbot(tmp_path, *options, "cut.jsonl", "--workers", 2)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backlog.jsonl", "cut.jsonl", "whole.jsonl"]
    told = [json.loads(line) for line in (tmp_path / "whole.jsonl").read_text().split("\n")[:-1]]
    assert len(told) == 4000
    assert all(len(one["tags"]) == 3 for one in told)


def test_in_bulk_a_text_gets_the_label_that_it_gets_alone(tmp_path: Path) -> None:
    backlog = archive(tmp_path / "backlog.jsonl", 5)
    alone = tierbot(tmp_path, "classify", "-f", backlog, "--json")
    bulk = tierbot(tmp_path, "classify", "-f", backlog, "--json", "--workers", 1)
    first, second = ([json.loads(line)["tags"] for line in done.stdout.splitlines()] for done in (alone, bulk))
    assert [[tag["id"] for tag in tags] for tags in first] == [[tag["id"] for tag in tags] for tags in second]
    assert first[0][0]["probability"] == pytest.approx(second[0][0]["probability"], abs=1e-4)


def test_another_input_does_not_go_on_where_the_former_was(tmp_path: Path) -> None:
    backlog = archive(tmp_path / "backlog.jsonl", 600)
    backlog.write_text(backlog.read_text() + '{"title": "cut off')
    done = tierbot(tmp_path, "classify", "-f", backlog, "--out", "out.jsonl", "--workers", 1)
    assert done.returncode == 1
    assert "backlog.jsonl:601: the row is not valid JSON" in done.stderr.replace("\n", " ")
    archive(backlog, 600)
    done = tierbot(tmp_path, "classify", "-f", backlog, "--out", "out.jsonl", "--workers", 1)
    assert done.returncode == 1
    assert "contains an unfinished run" in done.stderr


def test_a_predictor_of_ones_own_classifies_in_bulk_too(tmp_path: Path) -> None:
    from tests.conftest import build_harness

    harness = build_harness(tmp_path)
    harness.bot.close()
    (tmp_path / "test.db").rename(tmp_path / "bot.db")
    install(tmp_path / "site", FOOD)
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path / 'site'}"}
    promoted = tierbot(tmp_path, "models", "promote", "house", **path)
    assert promoted.returncode == 0, promoted.stderr
    backlog = archive(tmp_path / "backlog.jsonl", 6)
    done = tierbot(tmp_path, "classify", "-f", backlog, "--json", "--top", 1, "--workers", 2, **path)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line)["tags"][0]["id"] for line in done.stdout.splitlines()]
    assert found == ["food"] + ["football"] * 5


def test_embed_embeds_what_another_encoder_embedded_and_nothing_twice(tmp_path: Path) -> None:
    from tests.conftest import WORKSPACE, build_harness
    from tierbot.adapters.encoders.hashing import HashingEncoder

    harness = build_harness(tmp_path)
    harness.bot.intake.encoder = HashingEncoder(8)
    harness.bot.loop.take_in(WORKSPACE, harness.articles(700))
    harness.bot.loop.embed(WORKSPACE)
    harness.bot.close()
    (tmp_path / "test.db").rename(tmp_path / "bot.db")
    first = tierbot(tmp_path, "embed", "--workers", 2)
    assert "700 articles embedded." in first.stdout, first.stderr
    assert "0 articles embedded." in tierbot(tmp_path, "embed").stdout
    (tmp_path / "bot.db").rename(tmp_path / "test.db")
    again = build_harness(tmp_path)
    articles = again.articles(700)
    with again.bot.store.read(WORKSPACE) as tx:
        vectors = tx.articles.embeddings(HashingEncoder().digest, [one.id for one in articles])
    assert (vectors["a7"] == HashingEncoder().encode([articles[7].content])[0]).all()
    again.bot.close()


def test_backtests_over_seeds_are_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    stories = archive(tmp_path / "stories.jsonl", 400)
    options = (
        "--seeds",
        "0..2",
        "--rounds",
        2,
        "--posts-per-round",
        40,
        "--window",
        50,
        "--trainers",
        "perfect",
        "--out",
    )
    for workers in (1, 3):
        done = tierbot(tmp_path, "backtest", stories, *options, f"{workers}.jsonl", "--workers", workers, "--json")
        assert done.returncode == 0, done.stderr
    one, three = ((tmp_path / f"{workers}.jsonl").read_text() for workers in (1, 3))
    assert one == three
    records = [json.loads(line) for line in one.splitlines()]
    assert [(record["seed"], record["round"]) for record in records] == [(s, r) for s in range(3) for r in (1, 2)]
    last = json.loads(done.stdout.splitlines()[-1])
    values = [record["accuracy"]["all"]["value"] for record in records if record["round"] == 2]
    assert last["accuracy"]["mean"] == pytest.approx(sum(values) / 3)
    assert sorted(path.name for path in tmp_path.glob("*.jsonl*")) == ["1.jsonl", "3.jsonl", "stories.jsonl"]


def test_a_gzipped_file_that_breaks_off_is_named_with_its_line(tmp_path: Path) -> None:
    whole = gzip.compress(archive(tmp_path / "backlog.jsonl", 3000).read_bytes())
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    done = tierbot(tmp_path, "classify", "-f", cut, "--out", "out.jsonl", "--workers", 1)
    assert done.returncode == 1
    assert "cut.jsonl.gz:" in done.stderr
    assert "cannot be read" in done.stderr


def test_add_check_takes_articles_in_to_ask_of_each_whether_one_tag_is_true(tmp_path: Path) -> None:
    from tests.conftest import WORKSPACE, build_harness

    build_harness(tmp_path).bot.close()
    (tmp_path / "test.db").rename(tmp_path / "bot.db")
    stories = archive(tmp_path / "stories.jsonl", 3)
    unknown = tierbot(tmp_path, "add", stories, "--check", "gardens")
    assert unknown.returncode == 1
    assert "No tag 'gardens' is in use" in unknown.stderr
    done = tierbot(tmp_path, "add", stories, "--check", "food")
    assert "3 rows read: 3 new" in done.stdout, done.stderr
    (tmp_path / "bot.db").rename(tmp_path / "test.db")
    harness = build_harness(tmp_path)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert {one.check_tag for one in tx.articles.requested(9, in_threads=False)} == {"food"}
        assert tx.articles.waiting(9) == []
    harness.bot.close()
