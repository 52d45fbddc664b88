"""The champion as files: others load them without tierbot, and get tierbot's own probabilities."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from tests.conftest import Harness
from tests.support.paths import ROOT
from tierbot.app.api import Champion, article_of, load
from tierbot.app.exported_model import log_to_mlflow, metrics_by_round, write_champion
from tierbot.cli.app import app
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.neighbors import Neighbors

TEXTS = [
    "Pizza and pasta in Rome: the best ovens, and the best pizza",
    "C++ is fun",
    "",
    "日本 café naïve राष्ट्र 🍕 bitcoin wallets drop 12%",
    "A quarterback's touchdown " * 60,
]
URLS = ["", "https://www.example.org/sports/story-1", "", "http://[", "https://www.nytimes.com/"]
ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1] + "/code")
from tierbot_champion import Champion
print(json.dumps(Champion(sys.argv[1]).probabilities(*json.load(sys.stdin)).tolist()))
assert "tierbot" not in sys.modules and "torch" not in sys.modules
"""


@pytest.fixture(scope="module")
def champion() -> Champion:
    """Return the built-in model with stories that vote, a focus and an adjustment, as a trained one has."""
    built_in = load(ROOT / "models", encoder="all-MiniLM-L6-v2")
    assert isinstance(built_in.model, Classifier)
    tags = np.eye(len(built_in.model.tag_ids), dtype=np.float16)[:3]
    tags[2] = 0  # its tags were retired
    stories = built_in.encoder.encode([TEXTS[0], "C++ is no fun", "weather"]).astype(np.float16)
    model = replace(
        built_in.model,
        neighbors=Neighbors(stories, tags, steepness=20, middle=0.6, focus=1.3),
        adjustment=np.linspace(-0.5, 0.5, len(tags[0]), dtype=np.float32),
    )
    return replace(built_in, model=model)


@pytest.fixture(scope="module")
def folder(champion: Champion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the exported champion."""
    path = tmp_path_factory.mktemp("exported") / "champion"
    write_champion(path, champion, [])
    return path


@pytest.fixture(scope="module")
def ours(champion: Champion) -> np.ndarray:
    """Return tierbot's own probabilities."""
    return champion.probabilities([replace(article_of(text), url=url) for text, url in zip(TEXTS, URLS, strict=True)])


def test_onnx_runtime_and_tokenizers_alone_give_the_same_probabilities(folder: Path, ours: np.ndarray) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder)],
        input=json.dumps([TEXTS, URLS]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stderr == ""
    assert np.abs(np.array(json.loads(said.stdout)) - ours).max() < 1e-4


@pytest.mark.filterwarnings("ignore")  # MLflow warns of itself, from its import on
def test_mlflow_loads_the_folder_as_it_is(folder: Path, champion: Champion, ours: np.ndarray) -> None:
    import mlflow.pyfunc

    frame = mlflow.pyfunc.load_model(str(folder)).predict(pd.DataFrame({"text": TEXTS, "url": URLS}))
    assert tuple(frame.columns) == champion.tags
    assert np.abs(frame.to_numpy() - ours).max() < 1e-4


def test_nothing_is_pickled_and_the_topics_are_listed(folder: Path, champion: Champion) -> None:
    assert {file.suffix for file in folder.rglob("*") if "__pycache__" not in file.parts and file.is_file()} == {
        *("", ".onnx", ".json", ".md", ".txt", ".py")
    }
    assert [tag["id"] for tag in json.loads((folder / "tierbot.json").read_text())["tags"]] == list(champion.tags)


def test_the_card_is_one_that_hugging_face_reads(folder: Path) -> None:
    card = ModelCard.load(folder / "README.md")
    about = card.data.to_dict()
    assert (about["license"], about["pipeline_tag"]) == ("mit", "text-classification")
    assert "No round has a settled post yet" in card.text


def test_an_earlier_export_is_replaced_and_another_folder_is_not(folder: Path, champion: Champion) -> None:
    (folder.parent / "mine.txt").write_text("mine")
    with pytest.raises(TierbotError, match="other files"):
        write_champion(folder.parent, champion, [])
    assert (folder.parent / "mine.txt").exists()


def test_a_model_of_another_encoder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    result = CliRunner().invoke(app, ["models", "export", "--to", "champion"])
    assert "packaged encoder" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore")
def test_metrics_are_logged_by_round(tmp_path: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.chdir(tmp_path)
    for ts in harness.posts(4):
        for user in ("U1", "U2"):
            harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    rounds = settled_rounds(harness)
    (tmp_path / "champion").mkdir()
    (tmp_path / "champion" / "MLmodel").write_text("{}")
    address = f"sqlite:///{tmp_path}/runs.db"
    run = log_to_mlflow(address, tmp_path / "champion", "m0001", rounds)
    client = mlflow.MlflowClient(tracking_uri=address)
    (settled,) = client.get_metric_history(run, "settled")
    (right,) = client.get_metric_history(run, "accuracy_all")
    assert (settled.step, settled.value) == (1, 4)
    assert right.value == rounds[0].all.value
    assert [one.path for one in client.list_artifacts(run, "model")] == ["model/MLmodel"]


def settled_rounds(harness: Harness):
    from tests.conftest import WORKSPACE

    with harness.bot.store.read(WORKSPACE) as tx:
        return metrics_by_round(list(tx.verdicts.settled()))
