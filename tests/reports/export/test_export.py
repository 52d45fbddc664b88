"""Every format of the dataset, read back by its own consumer."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.logged import DIGEST, NAMES, TAGS, TEAM, TOPICS, exported, log_store
from tierbot.adapters.files.crowd_files import read_votes
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.domain.training.offpolicy import Log, ips, snips
from tierbot.reports.dataset import COLUMNS, ColumnKind, Only, row_of, settled_posts
from tierbot.reports.export import FORMATS, format_named
from tierbot.reports.export.columnar import arrow_schema
from tierbot.reports.export.label_studio import labeling_config

COUNT = 60


@pytest.fixture(scope="module")
def store():
    opened = log_store(COUNT)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def rows(store: SqlStore) -> list[dict]:
    with store.read(TEAM) as tx:
        return [row_of(item) for item in settled_posts(tx, Only(), NAMES)]


def plain_row(row):
    """Convert a row read from Parquet or Arrow back: lists of {tag, value} become dicts."""
    keyed = {column.name for column in COLUMNS if column.kind in {ColumnKind.SHARES, ColumnKind.COUNTS}}
    return {
        name: {one["tag"]: one["value"] for one in value} if name in keyed and value is not None else value
        for name, value in row.items()
    }


def plain(row: dict) -> dict:
    """Return a row as JSON gives it back."""
    return json.loads(json.dumps(row, default=lambda moment: moment.isoformat()))


# --- rows -----------------------------------------------------------------------------------------


def test_json_lines_hold_every_column_of_every_row(store: SqlStore, rows: list[dict], tmp_path: Path) -> None:
    written = exported(store, "jsonl", tmp_path / "d.jsonl")
    found = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert found == [plain(row) for row in rows]
    assert list(found[0]) == [column.name for column in COLUMNS]
    assert (written.rows, written.votes) == (COUNT, sum(len(row["votes"]) for row in rows))


def test_csv_gives_the_same_rows_back_and_no_cell_that_a_spreadsheet_computes(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    exported(store, "csv", tmp_path / "d.csv")
    with (tmp_path / "d.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == COUNT
    for cells, row in zip(found, rows, strict=True):
        assert cells["title"] == f"'{row['title']}"
        assert float(cells["propensity"]) == row["propensity"]
        assert json.loads(cells["votes"]) == plain(row)["votes"]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells.values())


def test_parquet_has_the_documented_types_and_the_same_rows(store: SqlStore, rows: list[dict], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (pip install 'tierbot[export]')")
    exported(store, "parquet", tmp_path / "d.parquet")
    schema = parquet.read_schema(tmp_path / "d.parquet")
    assert schema.equals(arrow_schema(), check_metadata=False)
    assert json.loads(schema.metadata[b"tierbot"])["format"] == "tierbot-dataset/1"
    found = parquet.read_table(tmp_path / "d.parquet").to_pylist()
    assert [plain(plain_row(row)) for row in found] == [plain(row) for row in rows]


def test_hugging_face_datasets_load_the_folder_with_typed_features(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets (pip install 'tierbot[export]')")
    exported(store, "hf", tmp_path / "d")
    loaded = datasets.load_from_disk(str(tmp_path / "d"))
    assert loaded.features["propensity"].dtype == "float64"
    assert loaded.features["asked_at"].dtype == "timestamp[us, tz=UTC]"
    assert loaded.num_rows == COUNT
    first = loaded[0]
    assert first["action"] == rows[0]["action"]
    assert {one["tag"]: one["value"] for one in first["probabilities"]} == rows[0]["probabilities"]
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


# --- learning from it -----------------------------------------------------------------------------


def test_vowpal_wabbit_trains_on_it_and_its_progressive_loss_falls(tmp_path: Path) -> None:
    vw = pytest.importorskip("vowpalwabbit", reason="needs VowpalWabbit (pip install vowpalwabbit)")
    store = log_store(600, seed=1)
    exported(store, "vw", tmp_path / "d.vw")
    examples = (tmp_path / "d.vw").read_text().strip().split("\n\n")
    assert len(examples) == 600
    learner = vw.Workspace("--cb_explore_adf --cb_type mtr -q wt --epsilon 0.05 --quiet")
    losses = []
    for example in examples:
        before = learner.get_sum_loss()
        parsed = learner.parse(example.split("\n"), vw.LabelType.CONTEXTUAL_BANDIT)
        learner.learn(parsed)
        learner.finish_example(parsed)
        losses.append(learner.get_sum_loss() - before)
    store.close()
    assert np.mean(losses[-200:]) < 0.8 * np.mean(losses[:200])


def test_the_arrays_give_the_same_off_policy_estimates_as_the_database(store: SqlStore, tmp_path: Path) -> None:
    exported(store, "obp", tmp_path / "d.npz")
    with store.read(TEAM) as tx:
        items = list(settled_posts(tx, Only(), NAMES))
    ours = Log(
        np.array([item.verdict.reward for item in items], dtype=float),
        np.array([item.prediction.propensity for item in items]),
        np.array([item.prediction.top_tag == item.prediction.shown_tag for item in items], dtype=float),
    )
    with np.load(tmp_path / "d.npz", allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    n, k = int(found["n_rounds"]), int(found["n_actions"])
    assert found["context"].shape == (n, 8)
    assert found["pi_b"].shape == (n, k, 1)
    assert found["action"].dtype == np.int64
    assert [str(found["action_names"][a]) for a in found["action"]] == [item.post.shown_tag for item in items]
    np.testing.assert_allclose(found["pi_b"][np.arange(n), found["action"], 0], found["pscore"])
    greedily = (found["probabilities"].argmax(axis=1) == found["action"]).astype(float)
    # The estimators written out, so that ours are checked by others than themselves.
    weights = greedily / found["pscore"]
    assert ips(ours).value == pytest.approx(np.mean(weights * found["reward"]))
    assert snips(ours).value == pytest.approx(weights @ found["reward"] / weights.sum())
    theirs = Log(found["reward"], found["pscore"], greedily)
    assert ips(theirs) == ips(ours)
    assert snips(theirs) == snips(ours)


def test_arrays_leave_out_what_another_encoder_embedded_and_say_so(store: SqlStore, tmp_path: Path) -> None:
    from tierbot.reports.export.writing import write_dataset

    with store.read(TEAM) as tx:
        written = write_dataset(
            tx, FORMATS["obp"], tmp_path / "d.npz", only=Only(), name=NAMES, encoder_digest="another", dimension=8
        )
    assert "Left out 60 rows" in " ".join(written.notes)
    with np.load(tmp_path / "d.npz", allow_pickle=False) as arrays:
        assert arrays["context"].shape == (0, 8)
    assert DIGEST != "another"


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # crowd-kit 1.4 with pandas 3.1
def test_crowd_kit_aggregates_it_to_the_label_that_most_voted_for(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    crowdkit = pytest.importorskip("crowdkit.aggregation", reason="needs crowd-kit (pip install 'tierbot[crowd]')")
    import pandas as pd

    exported(store, "crowd", tmp_path / "d.csv")
    votes = pd.read_csv(tmp_path / "d.csv").rename(columns={"item": "task"})
    settled = crowdkit.MajorityVote().fit_predict(votes)
    for row in rows:
        assert row["support"][settled[row["post_id"]]] == max(row["support"].values())


def test_our_own_reader_of_crowds_takes_it(store: SqlStore, tmp_path: Path) -> None:
    written = exported(store, "crowd", tmp_path / "d.csv")
    table = read_votes(tmp_path / "d.csv")
    assert set(table.labels) <= set(TOPICS)
    assert "name no tag" in written.notes[0]


def test_label_studio_takes_tasks_annotations_and_predictions(store: SqlStore, tmp_path: Path) -> None:
    interface = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="needs Label Studio's SDK: see tests/label-studio.txt"
    )
    exported(store, "label-studio", tmp_path / "d.json")
    studio = interface.LabelInterface(labeling_config(TAGS))
    tasks = json.loads((tmp_path / "d.json").read_text())
    assert len(tasks) == COUNT
    for task in tasks:
        assert studio.validate_task({"data": task["data"]})
        assert all(studio.validate_annotation(one) for one in task["annotations"])
        assert all(studio.validate_prediction(one) for one in task["predictions"])
    from label_studio_sdk.converter import Converter

    converter = Converter(labeling_config(TAGS), project_dir=None)
    converter.convert_to_json_min(str(tmp_path / "d.json"), str(tmp_path / "min"), is_dir=False)
    (result,) = (tmp_path / "min").iterdir()
    for flat in json.loads(result.read_text()):
        chosen = flat["topics"]
        assert set(chosen["choices"] if isinstance(chosen, dict) else [chosen]) == set(flat["label"])


def test_a_task_names_its_label_in_the_words_of_the_labelling_interface(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    exported(store, "label-studio", tmp_path / "d.json")
    tasks = json.loads((tmp_path / "d.json").read_text())
    choices = set(re.findall(r'Choice value="([^"]+)"', labeling_config(TAGS)))
    for task, row in zip(tasks, rows, strict=True):
        labels = [tag for one in task["annotations"] for part in one["result"] for tag in part["value"]["choices"]]
        assert labels == list(row["label"])
        assert set(labels) <= choices
        assert task["predictions"][0]["score"] == row["probabilities"][row["top_tag"]]


# --- which rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("only", "holds"),
    [
        (Only(arms=(Arm.BLANK,)), lambda row: row["arm"] == "blank"),
        (Only(tags=frozenset({"food"})), lambda row: row["action"] == "food" or "food" in row["label"]),
        (Only(min_confidence=0.5), lambda row: row["probabilities"][row["action"]] >= 0.5),
        (Only(min_weight=0.76), lambda row: row["weight"] >= 0.76),
    ],
)
def test_a_filter_gives_exactly_the_rows_that_hold_it(store, rows, only: Only, holds, tmp_path: Path) -> None:
    exported(store, "jsonl", tmp_path / "d.jsonl", only)
    found = [json.loads(line)["post_id"] for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert found == [row["post_id"] for row in rows if holds(row)]
    assert 0 < len(found) < COUNT


def test_exports_one_after_the_other_hold_everything_once(tmp_path: Path) -> None:
    store = log_store(10)
    first = exported(store, "jsonl", tmp_path / "1.jsonl")
    with store.begin(TEAM) as tx:
        from tests.support.logged import _add

        for number in range(10, 14):
            _add(tx, number, np.random.default_rng(number), 3)
    second = exported(store, "jsonl", tmp_path / "2.jsonl", Only(since=first.cursor))
    third = exported(store, "jsonl", tmp_path / "3.jsonl", Only(since=second.cursor))
    assert (first.rows, second.rows, third.rows) == (10, 4, 0)
    assert third.cursor == second.cursor > first.cursor
    assert (tmp_path / "3.jsonl").read_text() == ""
    with pytest.raises(TierbotError, match="belongs to another database"):
        exported(store, "jsonl", tmp_path / "4.jsonl", Only(since=10_000))
    store.close()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_writes_an_empty_dataset(form: str, tmp_path: Path) -> None:
    for package in FORMATS[form].packages:
        pytest.importorskip(package, reason="needs pip install 'tierbot[export]'")
    store = log_store(0)
    assert exported(store, form, tmp_path / "d").rows == 0
    assert (tmp_path / "d").exists()
    store.close()


# --- who is who -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "csv", "crowd", "label-studio"])
def test_no_user_id_is_in_an_export_without_identities(store: SqlStore, form: str, tmp_path: Path) -> None:
    exported(store, form, tmp_path / "d")
    text = (tmp_path / "d").read_text()
    assert not re.search(r"\bU[0-5]\b", text)
    assert NAMES("U1") in text
    exported(store, form, tmp_path / "known", name=str)
    assert re.search(r"\bU1\b", (tmp_path / "known").read_text())


def test_a_format_that_there_is_none_of_is_refused_with_those_there_are() -> None:
    with pytest.raises(TierbotError, match="jsonl, csv, parquet"):
        format_named("xls")


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.reports.export.find_spec", lambda _: None)
    with pytest.raises(TierbotError, match=r"tierbot\[export\]"):
        format_named("parquet")
