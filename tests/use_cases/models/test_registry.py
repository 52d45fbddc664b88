"""Models in and out of service, and what happens when one is damaged or a training dies."""

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.processes.training_job import TrainingInterruptedError
from tierbot.domain.nouns import Article, TierbotError
from tierbot.domain.predict.features import features_of


def teach(harness: Harness, count: int = 8) -> None:
    for ts in harness.posts(count):
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza" if "pizza" in harness.chat.posts[ts].article.title else "football")
    harness.bot.loop.settle(WORKSPACE)


def models(harness: Harness) -> list[tuple[str, str]]:
    return [(version.id, str(version.state)) for version in harness.bot.game.models(WORKSPACE)]


def test_what_colleagues_said_is_what_the_new_model_predicts(harness: Harness) -> None:
    teach(harness, 24)
    harness.bot.registry.retrain(WORKSPACE)
    _, classifier = harness.bot.registry.champion(WORKSPACE)
    texts = ["Story about pizza and pasta recipes", "Story about the quarterback's touchdown"]
    tags = harness.bot.tags.ids
    p = classifier.probabilities(features_of(texts, harness.bot.encoder.encode(texts)), tags)
    assert [tags[row.argmax()] for row in p] == ["food", "football"]


def test_a_training_that_takes_too_long_is_ended_and_changes_nothing(harness: Harness) -> None:
    teach(harness)
    harness.bot.registry._train = ChildTrainer(timeout=0.001)
    before = models(harness)
    with pytest.raises(TrainingInterruptedError, match="nothing was changed"):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before


def test_a_training_that_is_killed_is_told_and_changes_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    teach(harness)
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    before = models(harness)
    with pytest.raises(TrainingInterruptedError, match=r"[Nn]othing was changed"):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before


def test_a_damaged_model_is_named_with_the_way_back(harness: Harness, tmp_path: Path) -> None:
    teach(harness)
    harness.bot.loop.retrain(WORKSPACE)
    with closing(sqlite3.connect(tmp_path / "test.db")) as database, database:
        assert database.execute("UPDATE model_weights SET weights = x'00' WHERE model_id = 'm0002'").rowcount == 1
    harness.bot.registry._in_service.clear()
    with pytest.raises(TierbotError, match=r"m0002 is damaged.*rollback"):
        harness.bot.registry.champion(WORKSPACE)
    assert harness.bot.registry.roll_back(WORKSPACE, "UADMIN").id == "m0001"
    assert harness.bot.registry.champion(WORKSPACE)[0].id == "m0001"


def test_a_tag_that_was_added_in_mid_run_can_be_predicted_at_once(harness: Harness) -> None:
    tags = harness.bot.tags.active
    knitting = replace(
        tags[0], id="knitting", name="Knitting", short_name="yarn", character="🧶", description="Knitting, yarn, wool"
    )
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.workspaces.put_tags(tx.workspaces.tags().updated([*tags[1:], knitting], harness.clock.now()))
    now = harness.clock.now()
    harness.bot.loop.take_in(WORKSPACE, [Article("k", "Wool and yarn for knitting", "", "", "N", now)])
    assert harness.bot.loop.ask(WORKSPACE, 1) == 1
    harness.deliver()
    with harness.bot.store.read(WORKSPACE) as tx:
        (post,) = tx.posts.in_round(1)
        prediction = tx.posts.prediction(post.prediction_id)
    assert prediction.top_tag == "knitting"
    assert tags[0].id not in prediction.probabilities, "a retired tag is not predicted any more"


def test_another_encoder_is_refused_until_a_retraining_made_a_model_for_it(harness: Harness) -> None:
    harness.bot.registry._encoder = HashingEncoder(32)
    with pytest.raises(TierbotError, match="another encoder"):
        harness.bot.registry.champion(WORKSPACE)


def test_stopping_the_bot_ends_a_training_at_once_and_changes_nothing(harness: Harness) -> None:
    teach(harness)
    before = models(harness)
    harness.bot.trainer.stop()
    with pytest.raises(TrainingInterruptedError):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before
