"""Labelled archives: every kind of file is known by its content and read to the same articles and labels."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.logged import TAGS, TEAM, exported, log_store
from tierbot.adapters.files.annotations import _DATASET, _DATASET_VERSION, read_annotations
from tierbot.adapters.files.archives import ReadReport
from tierbot.domain.articles.labels import LabelMatcher, LabelReport, labeled_articles
from tierbot.domain.articles.rows import ArchiveError
from tierbot.domain.nouns import TierbotError
from tierbot.reports.dataset import FORMAT

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STORIES = [
    {"title": "Pizza with pineapple", "url": "https://n.example/1", "category": "FOOD"},
    {"title": "Rocket reaches orbit", "url": "https://n.example/2", "category": "Outer space"},
    {"title": "Nobody knows", "url": "https://n.example/3", "category": ""},
]


def read(path: Path, **renamed: str) -> tuple[str, LabelReport, ReadReport, dict[str, tuple[str, ...]]]:
    report, understood = ReadReport(), LabelReport()
    kind, rows = read_annotations(path, now=NOW, report=report)
    names = LabelMatcher(TAGS, renamed or {"Outer space": "space"})
    found = labeled_articles(rows, names, source="s", now=NOW, report=understood)
    return kind, understood, report, {article.title: tuple(label.tags) for article, label in found}


def studio(choices: list[list[str]], **more: object) -> dict:
    result = [[{"type": "choices", "value": {"choices": some}}] for some in choices]
    return {"id": 1, "data": STORIES[0], "annotations": [{"result": one, **more} for one in result]}


def write_csv(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(STORIES[0]))
        writer.writeheader()
        writer.writerows(STORIES)


def write_parquet(path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow (pip install '.[export]')")
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(STORIES), path)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "json"])
def test_every_kind_of_file_gives_the_same_labels(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "stories"
    {
        "jsonl": lambda p: p.write_text("\n".join(map(json.dumps, STORIES))),
        "json": lambda p: p.write_text(json.dumps(STORIES)),
        "csv": write_csv,
        "parquet": write_parquet,
    }[kind](path)
    _, understood, _, found = read(path)
    assert found == {"Pizza with pineapple": ("food",), "Rocket reaches orbit": ("space",)}
    assert (understood.labeled, understood.unlabeled) == (2, 1)
    assert understood.matched == {"FOOD": "food", "Outer space": "space"}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "label-studio"])
def test_our_own_exports_come_back_with_the_labels_they_went_out_with(form: str, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow (pip install '.[export]')")
    store = log_store(30)
    with store.read(TEAM) as tx:
        labels = [item.verdict.tags for _, item in tx.verdicts.page(0, 99)]
    store.close()
    exported_to = tmp_path / "d"
    exported(log_store(30), form, exported_to)
    _, understood, report, found = read(exported_to)
    assert report.rows == 30
    assert understood.labeled == sum(map(bool, labels))
    # Stories share an address in this log, and their titles tell them apart.
    assert [set(tags) for tags in found.values()] == [set(tags) for tags in labels if tags]


def test_an_export_of_a_newer_tierbot_is_refused_and_somebody_elses_metadata_is_not(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow (pip install '.[export]')")
    from pyarrow import parquet

    assert f"{_DATASET}/{_DATASET_VERSION}" == FORMAT
    for about, refused in (('{"format": "tierbot-dataset/2"}', True), ('{"format": 7}', False), ("tea", False)):
        table = pa.table({"title": ["Pizza"], "tags": [["food"]]}).replace_schema_metadata({"tierbot": about})
        parquet.write_table(table, tmp_path / "d.parquet")
        if refused:
            with pytest.raises(ArchiveError, match=r"by a newer tierbot \(tierbot-dataset/2"):
                read(tmp_path / "d.parquet")
        else:
            assert read(tmp_path / "d.parquet")[3] == {"Pizza": ("food",)}


def test_of_several_annotators_at_least_half_must_choose_a_tag(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([studio([["food"], ["food", "law"], ["space"], ["food", "law"]])]))
    kind, _, _, found = read(path)
    assert "Label Studio" in kind
    assert found == {"Pizza with pineapple": ("food", "law")}
    path.write_text(json.dumps([studio([["food"]], was_cancelled=True)]))
    assert read(path)[3] == {}


@pytest.mark.parametrize(
    "chosen", [{"topics": "food"}, {"topics": {"choices": ["food", "law"]}}], ids=["single", "several"]
)
def test_label_studios_flat_json_is_understood(chosen: dict, tmp_path: Path) -> None:
    path = tmp_path / "min.json"
    own = {"annotator": 1, "annotation_id": 7, "created_at": "2026-01-01T00:00:00Z", "lead_time": 1.5}
    path.write_text(json.dumps([{"title": "Pizza", "id": 1, **chosen, **own}]))
    assert set(read(path)[3]["Pizza"]) == ({"food"} if chosen["topics"] == "food" else {"food", "law"})


def test_labels_that_nobody_knows_are_counted_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "stories.jsonl"
    path.write_text("\n".join(map(json.dumps, STORIES)))
    _, understood, _, found = read(path, FOOD="law")
    assert found == {"Pizza with pineapple": ("law",)}
    assert understood.unknown == {"Outer space": 1}
    assert understood.unknown_only == 1


def test_a_tag_is_known_by_emoji_too() -> None:
    names = LabelMatcher(TAGS, {})
    tag = TAGS["food"]
    assert [names.tag_of(one) for one in (tag.character, f":{tag.short_name}:", tag.name.upper(), "x y")] == [
        "food", "food", "food", None,
    ]  # fmt: skip
    with pytest.raises(TierbotError, match="nonsense"):
        LabelMatcher(TAGS, {"FOOD": "nonsense"})


@pytest.mark.parametrize("content", [b"PAR1 but no more", b"[{]", b'["text"]', b"\x00\x01\x02"])
def test_a_file_that_cannot_be_understood_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="broken"):
        read(path)
    with pytest.raises(ArchiveError, match="missing"):
        read(tmp_path / "missing")
