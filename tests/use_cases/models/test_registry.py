"""Models in and out of service, and what happens when one is damaged or a training dies."""

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Stage
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.processes.training_job import TrainingInterruptedError
from tierbot.domain.nouns import Article, TierbotError


def teach(stage: Stage, count: int = 8) -> None:
    for ts in stage.posts(count):
        for user in ("U1", "U2"):
            stage.react(user, ts, "pizza" if "pizza" in stage.chat.posts[ts].article.title else "football")
    stage.bot.loop.settle(WORKSPACE)


def models(stage: Stage) -> list[tuple[str, str]]:
    return [(version.id, str(version.state)) for version in stage.bot.game.models(WORKSPACE)]


def test_what_colleagues_said_is_what_the_new_model_predicts(stage: Stage) -> None:
    teach(stage, 24)
    stage.bot.registry.retrain(WORKSPACE)
    _, classifier = stage.bot.registry.champion(WORKSPACE)
    texts = ["Story about pizza and pasta recipes", "Story about the quarterback's touchdown"]
    tags = stage.bot.tags.ids
    p = classifier.probabilities(classifier.features_of(texts, stage.bot.encoder.encode(texts)), tags)
    assert [tags[row.argmax()] for row in p] == ["food", "football"]


def test_a_training_that_takes_too_long_is_ended_and_changes_nothing(stage: Stage) -> None:
    teach(stage)
    stage.bot.registry._train = ChildTrainer(timeout=0.001)
    before = models(stage)
    with pytest.raises(TrainingInterruptedError, match="nothing was changed"):
        stage.bot.loop.retrain(WORKSPACE)
    assert models(stage) == before


def test_a_training_that_is_killed_is_told_and_changes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    teach(stage)
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    before = models(stage)
    with pytest.raises(TrainingInterruptedError, match=r"[Nn]othing was changed"):
        stage.bot.loop.retrain(WORKSPACE)
    assert models(stage) == before


def test_a_damaged_model_is_named_with_the_way_back(stage: Stage, tmp_path: Path) -> None:
    teach(stage)
    stage.bot.loop.retrain(WORKSPACE)
    with closing(sqlite3.connect(tmp_path / "test.db")) as database, database:
        assert database.execute("UPDATE model_weights SET weights = x'00' WHERE model_id = 'm0002'").rowcount == 1
    stage.bot.registry._in_service.clear()
    with pytest.raises(TierbotError, match=r"m0002 is damaged.*rollback"):
        stage.bot.registry.champion(WORKSPACE)
    assert stage.bot.registry.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    assert stage.bot.registry.champion(WORKSPACE)[0].id == "m0001"


def test_a_tag_that_was_added_in_mid_run_can_be_predicted_at_once(stage: Stage) -> None:
    tags = stage.bot.tags.active
    knitting = replace(
        tags[0], id="knitting", name="Knitting", short_name="yarn", character="🧶", description="Knitting, yarn, wool"
    )
    with stage.bot.store.begin(WORKSPACE) as tx:
        tx.workspaces.put_tags(tx.workspaces.tags().updated([*tags[1:], knitting], stage.clock.now()))
    now = stage.clock.now()
    stage.bot.loop.take_in(WORKSPACE, [Article("k", "Wool and yarn for knitting", "", "", "N", now)])
    assert stage.bot.loop.ask(WORKSPACE, 1) == 1
    stage.deliver()
    with stage.bot.store.read(WORKSPACE) as tx:
        (post,) = tx.posts.in_round(1)
        prediction = tx.posts.prediction(post.prediction_id)
    assert prediction.top_tag == "knitting"
    assert tags[0].id not in prediction.probabilities, "a retired tag is not predicted any more"


def test_another_encoder_is_refused_until_a_retraining_made_a_model_for_it(stage: Stage) -> None:
    stage.bot.registry._encoder = HashingEncoder(32)
    with pytest.raises(TierbotError, match="another encoder"):
        stage.bot.registry.champion(WORKSPACE)


def test_stopping_the_bot_ends_a_training_at_once_and_changes_nothing(stage: Stage) -> None:
    teach(stage)
    before = models(stage)
    stage.bot.trainer.stop()
    with pytest.raises(TrainingInterruptedError):
        stage.bot.loop.retrain(WORKSPACE)
    assert models(stage) == before
