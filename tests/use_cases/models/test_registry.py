"""Models in and out of service, and what happens when one is damaged or a training dies."""

import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.files.model_files import ModelFolder
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.processes.training_job import TrainingInterruptedError
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.domain.nouns import Article, ModelVersion, TierbotError
from tierbot.domain.predict.features import features_of
from tierbot.domain.training.retrain import TrainingJob, TrainingResult
from tierbot.use_cases.ports import ModelFiles, Workspace


def teach(harness: Harness, count: int = 8) -> None:
    for ts in harness.posts(count):
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza" if "pizza" in harness.chat.posts[ts].article.title else "football")
    harness.settle()


def models(harness: Harness) -> list[tuple[str, str]]:
    return [(version.id, str(version.state)) for version in harness.bot.game.models(WORKSPACE)]


def test_what_colleagues_said_is_what_the_new_model_predicts(harness: Harness) -> None:
    harness.promote_challengers()
    teach(harness, 24)
    harness.bot.registry.retrain(WORKSPACE)
    _, classifier = harness.bot.registry.champion(WORKSPACE)
    texts = ["Story about pizza and pasta recipes", "Story about the quarterback's touchdown"]
    tags = harness.bot.tags.ids
    p = classifier.probabilities(features_of(texts, harness.bot.encoder.encode(texts)), tags)
    assert [tags[row.argmax()] for row in p] == ["food", "football"]


def test_a_training_that_takes_too_long_is_ended_and_changes_nothing(harness: Harness) -> None:
    teach(harness)
    harness.bot.registry.train = ChildTrainer(timeout=0.001)
    before = models(harness)
    with pytest.raises(TrainingInterruptedError, match="nothing was changed"):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before


def test_a_training_that_is_killed_is_told_and_changes_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    teach(harness)
    harness.bot.registry.train = harness.bot.trainer
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    before = models(harness)
    with pytest.raises(TrainingInterruptedError, match=r"[Nn]othing was changed"):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before


def test_a_damaged_model_is_named_with_the_way_back(harness: Harness, tmp_path: Path) -> None:
    harness.promote_challengers()
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
    harness.bot.registry.encoder = HashingEncoder(32)
    with pytest.raises(TierbotError, match="another encoder"):
        harness.bot.registry.champion(WORKSPACE)


def test_stopping_the_bot_ends_a_training_at_once_and_changes_nothing(harness: Harness) -> None:
    teach(harness)
    before = models(harness)
    harness.bot.registry.train = harness.bot.trainer
    harness.bot.trainer.stop()
    with pytest.raises(TrainingInterruptedError):
        harness.bot.loop.retrain(WORKSPACE)
    assert models(harness) == before


# --- what happens while a model is trained --------------------------------------------------------


def states(harness: Harness) -> dict[str, str]:
    return {version.id: str(version.state) for version in harness.bot.game.models(WORKSPACE)}


def announced(harness: Harness) -> list[Mapping[str, Any]]:
    harness.clock.advance(seconds=1)
    harness.deliver()
    return harness.chat.announcements


def meanwhile(harness: Harness, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen at the end of the next training, before its model is kept."""
    train, pending = harness.bot.registry.train, [happens]

    def trained(job: TrainingJob) -> TrainingResult:
        result = train(job)
        if pending:
            pending.pop()()
        return result

    monkeypatch.setattr(harness.bot.registry, "train", trained)


def test_a_rollback_during_a_training_stands_and_the_channel_reads_why(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.promote_challengers()
    teach(harness)
    harness.bot.loop.retrain(WORKSPACE)
    meanwhile(harness, monkeypatch, lambda: harness.bot.loop.roll_back(WORKSPACE, "UADMIN"))
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert not training.promoted
    assert states(harness) == {"m0001": "champion", "m0002": "retired", "m0003": "challenger"}
    news = announced(harness)[-1]
    assert (news["kind"], news["in_service"]) == ("model_refused", "m0001")
    said = str(render_announcement(news, harness.bot.tags))
    assert "Model 3 isn't in service: the model it was compared with was replaced meanwhile. Model 1 stays" in said
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.models.get("m0003").card["metrics"]["promotion"]["promote"] is False, "the round's report reads it"


def test_a_promotion_by_hand_during_a_training_stands(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.promote_challengers()
    teach(harness)
    harness.bot.loop.retrain(WORKSPACE)
    meanwhile(harness, monkeypatch, lambda: harness.bot.registry.promote(WORKSPACE, "m0001", "UADMIN"))
    harness.bot.loop.retrain(WORKSPACE)
    assert states(harness) == {"m0001": "champion", "m0002": "retired", "m0003": "challenger"}


def test_two_trainings_at_once_make_two_models(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.promote_challengers()
    teach(harness)
    other = []
    meanwhile(harness, monkeypatch, lambda: other.append(harness.bot.loop.retrain(WORKSPACE)))
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert (other[0].version.id, other[0].version.number, other[0].promoted) == ("m0002", 2, True)
    assert (training.version.id, training.version.number, training.promoted) == ("m0003", 3, False)
    assert states(harness) == {"m0001": "retired", "m0002": "champion", "m0003": "challenger"}
    assert [news["model"] for news in announced(harness)] == ["m0002", "m0003"]


# --- models as files ------------------------------------------------------------------------------


def published(folder: Path) -> str:
    version, _ = ModelFolder(folder, folder / "models").champion()
    return version.id


@pytest.fixture
def model_files(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the harness publish its champions; return the folder above theirs."""
    mine, files = harness.bot.registry.model_files, ModelFolder(tmp_path, tmp_path / "models")
    monkeypatch.setattr(harness.bot.registry, "model_files", Both(mine, files))
    return tmp_path


@dataclass
class Both:
    """The harness's first model, and real files. `before` happens once, between reading the champion and writing it."""

    first: ModelFiles
    files: ModelFolder
    before: Callable[[], object] | None = None

    def bootstrap(self) -> tuple[ModelVersion, bytes]:
        return self.first.bootstrap()

    def bootstrap_rows(self) -> bytes | None:
        return self.first.bootstrap_rows()

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        happens, self.before = self.before, None
        if happens is not None:
            happens()
        self.files.publish(version, weights, workspace)


def test_the_published_files_are_the_databases_also_when_two_processes_publish(
    harness: Harness, model_files: Path
) -> None:
    harness.promote_challengers()
    teach(harness)
    harness.bot.registry.model_files.before = lambda: harness.bot.loop.roll_back(WORKSPACE, "UADMIN")
    harness.bot.loop.retrain(WORKSPACE)
    assert states(harness) == {"m0001": "champion", "m0002": "retired"}
    assert published(model_files) == "m0001"


def test_a_crash_before_a_champion_is_published_is_healed_at_the_start(harness: Harness, model_files: Path) -> None:
    def dies() -> None:
        raise KeyboardInterrupt

    harness.promote_challengers()
    teach(harness)
    harness.bot.registry.publish(WORKSPACE)
    assert published(model_files) == "m0001"
    harness.bot.registry.model_files.before = dies
    with pytest.raises(KeyboardInterrupt):
        harness.bot.loop.retrain(WORKSPACE)
    assert published(model_files) == "m0001"
    assert [news["model"] for news in announced(harness)] == ["m0002"], "it is announced where it is promoted"
    harness.bot.setup.prepare(Workspace(WORKSPACE, "Test", harness.clock.now()), harness.bot.tags)
    assert published(model_files) == "m0002"


def test_files_that_are_right_are_left_alone_and_damaged_ones_are_written_again(
    harness: Harness, model_files: Path
) -> None:
    harness.bot.registry.publish(WORKSPACE)
    card = model_files / "models" / "champion.json"
    made = card.stat().st_mtime_ns
    harness.bot.registry.publish(WORKSPACE)
    assert card.stat().st_mtime_ns == made
    (weights,) = (model_files / "models").glob("*.safetensors")
    weights.write_bytes(b"")
    harness.bot.registry.publish(WORKSPACE)
    assert published(model_files) == "m0001"


def test_a_folder_that_cannot_be_written_undoes_no_promotion(
    harness: Harness, model_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    harness.promote_challengers()
    teach(harness)
    (model_files / "models").write_text("in the way")
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.promoted
    assert "cannot be written" in caplog.text
