"""Every format of the dataset: its rows, who is named in it, and what is refused. Its consumers: test_consumers.py."""

import csv
import json
import re
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import DatasetCard

from tests.reports.export.conftest import COUNT
from tests.support.logged import DIGEST, NAMES, TAGS, TEAM, TOPICS, exported, log_store
from tierbot.adapters.files.crowd_files import read_votes
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.domain.training.offpolicy import Log, ips, snips
from tierbot.reports.dataset import COLUMNS, ColumnKind, Only, settled_posts, tags_by_trainer
from tierbot.reports.dictionary import Terms, dataset_card
from tierbot.reports.export import FORMATS, format_named
from tierbot.reports.export.columnar import arrow_schema
from tierbot.reports.export.format import Written
from tierbot.reports.export.label_studio import labeling_config


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


def test_csv_has_one_value_per_cell_and_no_cell_that_a_spreadsheet_computes(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    exported(store, "csv", tmp_path / "d.csv")
    with (tmp_path / "d.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == COUNT
    for cells, row in zip(found, rows, strict=True):
        assert cells["title"] == f"'{row['title']}"
        assert float(cells["propensity"]) == row["propensity"]
        assert set(cells["labels"].split("|")) - {""} == set(row["label"])
        assert float(cells["label_share"] or 0) == max(row["label"].values(), default=0)
        assert int(cells["support_action"]) == row["support"].get(row["action"], 0)
        assert not any(cell.startswith(("=", "+", "-", "@", "{", "[")) for cell in cells.values())


def test_parquet_has_the_documented_types_and_the_same_rows(store: SqlStore, rows: list[dict], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (pip install '.[export]')")
    exported(store, "parquet", tmp_path / "d.parquet")
    schema = parquet.read_schema(tmp_path / "d.parquet")
    assert schema.equals(arrow_schema(), check_metadata=False)
    assert json.loads(schema.metadata[b"tierbot"])["format"] == "tierbot-dataset/1"
    found = parquet.read_table(tmp_path / "d.parquet").to_pylist()
    assert [plain(plain_row(row)) for row in found] == [plain(row) for row in rows]


# --- learning from it -----------------------------------------------------------------------------


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


def test_our_own_reader_of_crowds_takes_it(store: SqlStore, tmp_path: Path) -> None:
    written = exported(store, "crowd", tmp_path / "d.csv")
    table = read_votes(tmp_path / "d.csv")
    assert set(table.labels) <= set(TOPICS)
    assert "name no tag" in written.notes[0]


def test_a_task_has_an_annotation_per_trainer_in_the_words_of_the_labeling_interface(
    store: SqlStore, rows: list[dict], tmp_path: Path
) -> None:
    exported(store, "label-studio", tmp_path / "d.json")
    tasks = json.loads((tmp_path / "d.json").read_text())
    choices = set(re.findall(r'Choice value="([^"]+)"', labeling_config(TAGS)))
    for task, row in zip(tasks, rows, strict=True):
        named = {
            part["meta"]["trainer"]: part["value"]["choices"] for one in task["annotations"] for part in one["result"]
        }
        assert named == {trainer: tags for trainer, tags in tags_by_trainer(row).items() if tags}
        assert sum(one["was_cancelled"] for one in task["annotations"]) == sum(map(bool, [row["unsure"]]))
        assert set(chain.from_iterable(named.values())) <= choices
        assert task["data"]["label"] == row["label"]
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
        pytest.importorskip(package, reason=f"needs pip install {FORMATS[form].install}")
    store = log_store(0)
    assert exported(store, form, tmp_path / "d").rows == 0
    assert (tmp_path / "d").exists()
    store.close()


# --- who is who -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "crowd", "label-studio"])
def test_no_user_id_is_in_an_export_without_identities(store: SqlStore, form: str, tmp_path: Path) -> None:
    exported(store, form, tmp_path / "d")
    text = (tmp_path / "d").read_text()
    assert not re.search(r"\bU[0-5]\b", text)
    assert NAMES("U1") in text
    exported(store, form, tmp_path / "known", name=str)
    assert re.search(r"\bU1\b", (tmp_path / "known").read_text())


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"jsonl", "parquet", "hf", "crowd", "label-studio"}))
def test_the_other_formats_name_nobody_at_all(store: SqlStore, form: str, tmp_path: Path) -> None:
    for package in FORMATS[form].packages:
        pytest.importorskip(package, reason=f"needs pip install {FORMATS[form].install}")
    exported(store, form, tmp_path / "d", name=lambda user: f"somebody-{user}")
    assert b"somebody" not in (tmp_path / "d").read_bytes()


@pytest.mark.parametrize(
    ("rows", "size"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K"), (10**6, "1M<n<10M"), (10**9, "100M<n<1B")],
)
def test_a_folders_card_tells_the_hub_its_size(rows: int, size: str) -> None:
    card = dataset_card(Written(rows=rows), FORMATS["hf"], Only(), TAGS, {}, Terms())
    assert DatasetCard(card).data.size_categories == [size]


def test_a_format_that_there_is_none_of_is_refused_with_those_there_are() -> None:
    with pytest.raises(TierbotError, match="jsonl, csv, parquet"):
        format_named("xls")


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.reports.export.find_spec", lambda _: None)
    for form, remedy in (("parquet", "pip install '.[export]'"), ("spacy", "pip install spacy")):
        with pytest.raises(TierbotError, match=re.escape(remedy)):
            format_named(form)
