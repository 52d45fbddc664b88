"""Models as files: whole, checked, and replaced at once."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.worlds import ENCODER, TAGS
from tierbot.adapters.encoders.sentence import SentenceEncoder
from tierbot.adapters.files.model_files import ModelFolder, ModelFolderError, shipped_models, write_model
from tierbot.domain.nouns import ModelState, ModelVersion
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.tags import default_tag_space
from tierbot.domain.training.rows import rows_from_bytes

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WEIGHTS = coldstart(TAGS, ENCODER.encode).to_bytes()


def version(weights: bytes = WEIGHTS, number: int = 3) -> ModelVersion:
    sha256 = hashlib.sha256(weights).hexdigest()
    return ModelVersion(f"m{number:04}", number, None, ModelState.CHAMPION, "digest", sha256, NOW, {"kind": "é"})


def test_a_published_champion_is_read_back_and_the_former_ones_weights_are_gone(tmp_path: Path) -> None:
    model_files = ModelFolder(shipped_models(), tmp_path)
    other = coldstart(TAGS[:2], ENCODER.encode).to_bytes()
    model_files.publish(version(), WEIGHTS, "T1")
    model_files.publish(version(other, 4), other, "T1")
    assert model_files.champion() == (version(other, 4), other)
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_folder_nothing_is_published(tmp_path: Path) -> None:
    ModelFolder(tmp_path).publish(version(), WEIGHTS, "T1")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_the_cards_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="do not match their card"):
        ModelFolder(tmp_path, tmp_path).publish(version(), WEIGHTS + b"x", "T1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["weights", "card", "no weights", "no card"])
def test_a_damaged_or_missing_file_is_named_with_the_remedy(tmp_path: Path, kind: str) -> None:
    write_model(tmp_path, "bootstrap", version(), WEIGHTS, by_digest=False)
    file = tmp_path / ("bootstrap.safetensors" if "weights" in kind else "bootstrap.json")
    if kind.startswith("no "):
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ModelFolderError, match=rf"{file.name} (is damaged|cannot be read).*Reinstall"):
        ModelFolder(tmp_path).bootstrap()


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFolderError, match="cannot be written"):
        ModelFolder(tmp_path, tmp_path / "file" / "models").publish(version(), WEIGHTS, "T1")


def test_rows_that_are_not_the_cards_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path, "bootstrap", version(), WEIGHTS, by_digest=False)
    (tmp_path / "bootstrap-rows.safetensors").write_bytes(b"")
    with pytest.raises(ModelFolderError, match=r"bootstrap-rows\.safetensors is damaged"):
        ModelFolder(tmp_path).bootstrap_rows()


def test_the_shipped_model_is_whole_knows_every_shipped_tag_and_goes_with_the_shipped_encoder() -> None:
    model_files = ModelFolder(shipped_models())
    card, weights = model_files.bootstrap()
    rows = rows_from_bytes(model_files.bootstrap_rows(), card.encoder_digest)
    assert set(Classifier.from_bytes(weights).tag_ids) >= set(default_tag_space().ids)
    assert card.encoder_digest == SentenceEncoder().digest
    assert 0 < len(rows) <= 6000
    measured = card.card["measured"]
    assert measured["accuracy_at_3"] > measured["accuracy_at_1"] > 0.6
    assert card.card["command"].startswith("tierbot models build")
    assert json.dumps(card.card)


def test_where_workspaces_are_many_each_ones_champion_has_a_folder_of_its_own(tmp_path: Path) -> None:
    model_files, other = ModelFolder(tmp_path, tmp_path / "out", by_workspace=True), b"other weights"
    model_files.publish(version(), WEIGHTS, "T1")
    model_files.publish(version(other, 4), other, "T2/../T1")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"T1", "T2____T1"}
    assert ModelFolder(tmp_path, tmp_path / "out" / "T1").champion()[1] == WEIGHTS


@pytest.mark.parametrize(
    "name",
    ["../secret", "../../secret", "./../secret", "sub/inner", "/etc/passwd", "..", ".", "", "..\\secret", "C:secret",
     "link", "a\0b", "a\nb"],
)  # fmt: skip
def test_a_cards_file_is_in_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "models"
    write_model(folder, "bootstrap", version(), WEIGHTS, by_digest=False)
    (folder / "sub").mkdir()
    for place in (tmp_path / "secret", folder / "sub" / "inner"):
        place.write_bytes(WEIGHTS)
    (folder / "link").symlink_to(tmp_path / "secret")
    card = folder / "bootstrap.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"file": name}))
    with pytest.raises(ModelFolderError, match="not a file in its folder"):
        ModelFolder(folder).bootstrap()


def test_a_folder_may_be_reached_by_a_link_and_hold_links_to_its_own_files(tmp_path: Path) -> None:
    write_model(tmp_path / "models", "bootstrap", version(), WEIGHTS, by_digest=False)
    weights = tmp_path / "models" / "bootstrap.safetensors"
    weights.rename(weights.with_name("real"))
    weights.symlink_to("real")
    (tmp_path / "linked").symlink_to(tmp_path / "models")
    assert ModelFolder(tmp_path / "linked").bootstrap() == (version(), WEIGHTS)


def test_a_pipe_in_the_place_of_weights_is_not_read(tmp_path: Path) -> None:
    write_model(tmp_path, "bootstrap", version(), WEIGHTS, by_digest=False)
    (tmp_path / "bootstrap.safetensors").unlink()
    os.mkfifo(tmp_path / "bootstrap.safetensors")
    with pytest.raises(ModelFolderError, match="is not a file"):
        ModelFolder(tmp_path).bootstrap()
