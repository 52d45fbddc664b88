"""The demo, short and with hashed embeddings: the whole loop over real HTTP and WebSocket."""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tierbot.adapters.store import open_store
from tierbot.app.demo.play import DemoSettings, play, play_round, staged, take_in
from tierbot.app.demo.workspace import own_folder
from tierbot.domain.nouns import TierbotError
from tierbot.domain.rounds.boards import RoundStatus

DEMO = DemoSettings(
    rounds=2, posts=12, seed=3, archive=None, start=20, colleagues=5, speed=5000, posts_per_second=1000, port=0
)


@pytest.fixture(autouse=True)
def _hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")


def test_two_rounds_are_played_from_the_article_to_the_retrained_model(tmp_path: Path) -> None:
    kept = tmp_path / "kept.db"
    first, second = play(replace(DEMO, keep=kept), say=lambda _: None)
    assert (first["round"], second["round"]) == (1, 2)
    for record in (first, second):
        assert record["posts"] == 12
        assert record["reactions"] > 12
        assert record["verdicts"] + record["abstentions"] <= 12
        assert record["verdicts"] > 4
        assert record["accuracy"]["all"]["n"] <= record["verdicts"]
        assert {"n", "value", "low", "high"} == set(record["accuracy"]["blank"])
        assert [line["rank"] for line in record["standings"]] == sorted(line["rank"] for line in record["standings"])
        json.dumps(record)
    assert (first["model"], second["model"]) == ("m0002", "m0003")
    store = open_store(f"sqlite:///{kept}")
    with store.read(store.workspace_ids()[0]) as tx:
        assert len(tx.verdicts.settled(rounds=[1, 2])) == first["verdicts"] + second["verdicts"] + sum(
            record["abstentions"] for record in (first, second)
        )
    store.close()


def test_the_demo_plays_on_whatever_an_admin_does_in_it() -> None:
    said: list[str] = []
    done: list[int] = []

    with staged(DEMO, said.append) as scene:

        def interfere(status: RoundStatus) -> None:
            """Do in each round what an admin may do, once there is something to close."""
            if status.round.number in done or not status.posts:
                return
            done.append(status.round.number)
            for typed in ("pause", "round close", "round close", "push 5", "push 3", "retrain", "rollback"):
                scene.sandbox.command(f"/tier {typed}")

        records = []
        for played in range(2):
            assert take_in(scene, played) == DEMO.posts
            records.append(play_round(scene, said.append, interfere))
        with scene.bot.store.read(scene.workspace) as tx:
            frozen = [one.number for one in tx.rounds.all() if one.frozen_at]
            posts = [len(tx.posts.in_round(number)) for number in frozen]
            assert tx.articles.waiting(9) == []
        announced = [text for text in map(str, scene.sandbox.messages()) if "is over" in text]
    assert len(done) >= 2
    assert [record["round"] for record in records] == sorted({record["round"] for record in records})
    assert all(posts), "no round without a post was closed"
    assert len(announced) == len(frozen)


def test_a_file_that_is_there_is_not_taken_for_the_demos_database(tmp_path: Path) -> None:
    mine = tmp_path / "mine.db"
    mine.write_text("precious")
    with pytest.raises(TierbotError, match="already exists"):
        next(play(replace(DEMO, keep=mine), say=lambda _: None))
    assert mine.read_text() == "precious"


def test_any_labeled_archive_plays_on_its_own_tags(tmp_path: Path) -> None:
    topics = {"BOATS & SHIPS": "boat harbour sail", "c++": "compiler template pointer", "CHEESE": "brie cheddar rind"}
    rows = [
        {
            "id": f"{label}{i}",
            "title": f"{words} number {i * 37}",
            "url": f"https://a.example/{label[:2]}/{i}",
            "tags": [label],
        }
        for i in range(20)
        for label, words in topics.items()
    ]
    path = tmp_path / "archive.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    demo = replace(DEMO, archive=path, rounds=1)
    (record,) = play(demo, say=lambda _: None)
    assert record["accuracy"]["all"]["value"] > 0.8, "the first model learned from the start rows"


def test_an_archive_smaller_than_the_start_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_text('{"title": "one", "tags": ["a"]}\n{"title": "two", "tags": ["b"]}\n')
    demo = replace(DEMO, archive=path)
    with pytest.raises(TierbotError, match="--start"):
        next(play(demo, say=lambda _: None))


def test_what_a_killed_demo_left_behind_is_removed_by_the_next_and_what_a_living_one_has_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left, living, other = (tmp_path / f"tierbot-demo-{name}" for name in (f"{gone.pid}-abc", f"{os.getpid()}-abc", "x"))
    for folder in (left, living, other):
        folder.mkdir()
        (folder / "demo.db").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with own_folder("tierbot-demo") as mine:
        assert sorted(tmp_path.iterdir()) == sorted([living, other, Path(mine)])


def test_a_demo_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "tierbot", "demo", "--posts", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True) as demo:
        assert demo.stderr is not None
        said = next(line for line in demo.stderr if "http" in line)
        url = re.search(r"http://\S+/", said)
        assert url is not None, said
        people = httpx.get(f"{url[0]}control/state", trust_env=False).json()["users"]
        assert next(user["name"] for user in people if not user["is_bot"]) == "you", "nobody plays for who looks on"
        demo.terminate()
        assert demo.wait(60) == 0
    assert list(tmp_path.glob("tierbot-*")) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(url[0], trust_env=False)
