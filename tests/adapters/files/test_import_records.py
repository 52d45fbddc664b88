"""Records as people and annotation tools write them: each is read to its labels, or refused with line and remedy."""

import json
from pathlib import Path

import pytest

from tests.support.imports import NER, NOW, OPTIONS, Read, argilla, choices, flat, read, said, studio, taxonomy
from tests.support.logged import TAGS
from tierbot.adapters.files.archives import read_archive
from tierbot.domain.nouns import Tag
from tierbot.domain.tags import TagSpace

UNDERSTOOD: list[tuple[dict, set[str]]] = [
    # names
    ({"text": "x", "label": "food"}, {"food"}),
    ({"text": "x", "label": "FOOD"}, {"food"}),
    ({"text": "x", "label": " food "}, {"food"}),
    ({"text": "x", "label": TAGS["food"].name}, {"food"}),
    ({"text": "x", "label": TAGS["food"].character}, {"food"}),
    ({"text": "x", "label": f":{TAGS['food'].short_name}:"}, {"food"}),
    ({"headline": "x", "category": "law"}, {"law"}),
    ({"title": "x", "topic": "law"}, {"law"}),
    ({"text": "x", "Labels": ["law"]}, {"law"}),
    # several
    ({"text": "x", "labels": ["law", "food"]}, {"law", "food"}),
    ({"text": "x", "labels": ["law", "law"]}, {"law"}),
    ({"text": "x", "labels": ["law", None, ""]}, {"law"}),
    ({"text": "x", "label": "law, food"}, {"law", "food"}),
    ({"text": "x", "label": "law|food"}, {"law", "food"}),
    ({"text": "x", "label": "law;food"}, {"law", "food"}),
    ({"text": "x", "label": "law#food"}, {"law", "food"}),
    ({"text": "x", "label": "law#food#space"}, {"law", "food", "space"}),
    ({"text": "x", "label": '["law", "food"]'}, {"law", "food"}),
    ({"text": "x", "label": "['law', 'food']"}, {"law", "food"}),
    ({"text": "x", "label": [{"name": "law"}, {"name": "food"}]}, {"law", "food"}),
    ({"text": "x", "label": {"name": "law"}}, {"law"}),
    # none
    ({"text": "x"}, set()),
    ({"text": "x", "label": ""}, set()),
    ({"text": "x", "label": None}, set()),
    ({"text": "x", "label": []}, set()),
    ({"text": "x", "label": {}}, set()),
    ({"text": "x", "label": "[]"}, set()),
    # weights
    ({"text": "x", "cats": {"law": 1.0, "food": 0.0}}, {"law"}),
    ({"text": "x", "cats": {"law": 0, "food": 0}}, set()),
    ({"text": "x", "labels": {"law": True, "food": False}}, {"law"}),
    ({"text": "x", "labels": {"law": 0.4, "food": 0.6}}, {"law", "food"}),
    ({"text": "x", "labels": {"law": -1}}, set()),
    ({"text": "x", "labels": '{"law": 1, "food": 0}'}, {"law"}),
    ({"text": "x", "labels": [{"label": "law", "score": 0.9}, {"label": "food", "score": 0.0}]}, {"law"}),
    ({"text": "x", "labels": [{"label": "law", "weight": 0}]}, set()),
    # paths
    ({"text": "x", "labels": [["Leisure", "food"]]}, {"food"}),
    ({"text": "x", "label": "Leisure > food"}, {"food"}),
    ({"text": "x", "label": "food > Pizza"}, {"food"}),
    # fastText
    ({"text": "x", "label": "__label__law"}, {"law"}),
    ({"text": "x", "label": "__label__law __label__food"}, {"law", "food"}),
    # doccano
    ({"id": 1, "data": "x", "label": ["law"], "Comments": []}, {"law"}),
    ({"id": 1, "text": "x", "label": [], "Comments": ["?"]}, set()),
    # Prodigy
    ({"text": "x", "label": "law", "answer": "accept"}, {"law"}),
    ({"text": "x", "label": "law", "answer": "reject"}, set()),
    ({"text": "x", "label": "law", "answer": "ignore"}, set()),
    ({"text": "x", "options": OPTIONS, "accept": [1], "answer": "accept"}, {"food"}),
    ({"text": "x", "options": OPTIONS, "accept": [1, 2], "answer": "accept"}, {"food", "law"}),
    ({"text": "x", "options": OPTIONS, "accept": [], "answer": "accept"}, set()),
    ({"text": "x", "options": OPTIONS, "accept": [2], "answer": "ignore"}, set()),
    ({"text": "x", "accept": ["law"], "answer": "accept", "_task_hash": 5}, {"law"}),
    ({"text": "x", "accept": "law", "answer": "accept"}, {"law"}),
    # Label Studio: tasks
    (studio(said(choices("law"))), {"law"}),
    (studio(said(choices("law", "food"))), {"law", "food"}),
    (studio(said(choices("law"), choices("food"))), {"law", "food"}),
    (studio(said(choices("law")), said(choices("food"))), {"law", "food"}),
    (studio(said(choices("law")), said(choices("law")), said(choices("food"))), {"law"}),
    (studio(said(choices("law")), said(choices("food"), was_cancelled=True)), {"law"}),
    (studio(said(choices("law")), said(choices("food"), ground_truth=True)), {"food"}),
    (studio(said(taxonomy(["food"]))), {"food"}),
    (studio(said(taxonomy(["Leisure", "food"], ["law", "Courts"]))), {"food", "law"}),
    (studio(said(choices("law"), NER)), {"law"}),
    (studio(said()), set()),
    (studio(), set()),
    (studio(predictions=[said(choices("law"))]), set()),
    (studio(said(choices("law")), data={"review": "x", "n": 5}), {"law"}),
    (studio(said(choices("law")), data={"text": "x", "label": "food"}), {"law"}),
    ({"id": 1, "data": {"text": "x"}, "completions": [said(choices("law"))]}, {"law"}),
    # Label Studio: a record per annotation
    (flat(sentiment="law"), {"law"}),
    (flat(sentiment={"choices": ["law", "food"]}), {"law", "food"}),
    (flat(tax=[{"taxonomy": [["Leisure", "food"]]}]), {"food"}),
    (flat(topic="law", tax=[{"taxonomy": [["food"]]}]), {"law", "food"}),
    (flat(), set()),
    # Argilla
    (argilla("law"), {"law"}),
    (argilla(["law", "food"]), {"law", "food"}),
    (argilla("law", "law", "food"), {"law"}),
    (argilla(), set()),
    (argilla(suggestions={"topic": {"value": "law", "score": 0.9, "agent": "m"}}), set()),
    (argilla(responses={"topic": [{"value": "law", "status": "discarded"}, {"value": "food", "status": "submitted"}]}), {"food"}),
    (argilla(responses=[{"user_id": "u", "status": "submitted", "values": {"topic": {"value": "law"}}}]), {"law"}),
    (argilla(responses=[{"user_id": "u", "status": "draft", "values": {"topic": {"value": "law"}}}]), set()),
    (argilla("law", fields={"prompt": "x"}), {"law"}),
    ({"text": "x", "topic.responses": ["law"], "topic.responses.status": ["submitted"]}, {"law"}),
    ({"text": "x", "topic.responses": [["law", "food"]], "topic.suggestion": "space"}, {"law", "food"}),
    ({"text": "x", "topic.responses": ["law"], "topic.responses.status": ["discarded"]}, set()),
    ({"text": "x", "topic.responses": None}, set()),
    ({"text": "x", "annotation": "law", "prediction": [{"label": "food", "score": 0.9}]}, {"law"}),
    ({"inputs": {"text": "x"}, "annotation": ["law", "food"], "prediction": None}, {"law", "food"}),
    ({"inputs": {"text": "x"}, "annotation": None, "prediction": [{"label": "food", "score": 0.9}]}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("record", "labels"), UNDERSTOOD, ids=lambda value: json.dumps(value, default=sorted)[:90])
@pytest.mark.parametrize("form", ["a line", "an array"])
def test_a_record_is_read_to_the_labels_that_it_means(
    tmp_path: Path, record: dict, labels: set[str], form: str
) -> None:
    found = read(tmp_path, json.dumps(record if form == "a line" else [record]))
    assert found.faults == []
    assert found.labels == [labels] * bool(labels)
    assert found.report.rows == 1


REFUSED: list[tuple[dict, str]] = [
    ({"text": "x", "label": True}, "has true as its label; write a name or an integer"),
    ({"text": "x", "label": 0.73}, "has 0.73 as its label"),
    ({"text": "x", "label": float("nan")}, "has NaN as its label"),
    ({"text": "x", "label": float("inf")}, "has Infinity as its label"),
    ({"text": "x", "label": [0.5]}, "has 0.5 as its label"),
    ({"text": "x", "label": [[0, 5, "ORG"]]}, "labels spans of its text"),
    ({"text": "x", "label": [[]]}, "labels spans of its text"),
    ({"text": "x", "label": [{"start": 0, "end": 5, "label": "ORG"}]}, "labels spans of its text"),
    ({"text": "x", "label": [{"start_offset": 0, "end_offset": 5, "label": "ORG"}]}, "labels spans of its text"),
    ({"text": "x", "label": {"start": 0, "end": 5}}, "labels spans of its text"),
    ({"text": "x", "label": {"a": {"b": {"c": []}}}}, "has an object as its label"),
    ({"text": "x", "label": [{"a": "b"}]}, "has an object as its label"),
    ({"text": "x", "label": "law", "answer": "maybe"}, "Prodigy's are accept, ignore, reject"),
    ({"text": "x", "accept": [], "answer": ""}, "Prodigy's are accept, ignore, reject"),
    (studio(said(NER)), "neither choices nor a taxonomy"),
    (studio(said(choices("law")), data={"image": "/data/1.png", "audio": "/data/1.wav"}), "neither title nor text"),
    ({"annotation_id": 1, "annotator": 2, "text": "x", "mood": "law", "team": "b"}, "several columns that may hold the label"),
    ({"label": "law"}, "add a field named title or text"),
    ({"text": "", "label": "law"}, "add a field named title or text"),
    ({"text": 5, "label": "law"}, "has a number as its text"),
    ({"title": True, "label": "law"}, "has a number as its title"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "why"), REFUSED, ids=lambda value: str(value)[:90])
def test_a_record_that_cannot_be_understood_is_refused_with_its_line(tmp_path: Path, record: dict, why: str) -> None:
    found = read(tmp_path, '{"text": "y", "label": "food"}\n' + json.dumps(record))
    assert (found.report.rows, found.report.bad, found.labels) == (1, 1, [{"food"}])
    assert found.faults[0].startswith("2: ")
    assert why in found.faults[0]


def test_a_label_that_cannot_be_understood_costs_no_article_that_needs_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"title": "One", "label": 0.5}\n')
    assert [row.title for row in read_archive(tmp_path / "a", now=NOW)] == ["One"]


def test_prodigys_meta_says_where_a_text_is_from(tmp_path: Path) -> None:
    record = {"text": "x", "label": "law", "answer": "accept", "meta": {"url": "https://n.example/1", "source": "News"}}
    (tmp_path / "a").write_text(json.dumps(record))
    (row,) = read_archive(tmp_path / "a", now=NOW)
    assert (row.url, row.source) == ("https://n.example/1", "News")


@pytest.mark.parametrize("line", ["7", '"text"', "null", "[1]", "{", "{]", "{" * 2000, '{"text": "x"} {}', "No JSON"])
def test_a_line_that_is_no_record_is_refused_alone(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f'{{"text": "y", "label": "food"}}\n{line}\n')
    assert (found.report.rows, found.report.bad) == (1, 1)


def test_labels_with_commas_come_back_from_tools_that_write_several_as_a_list(tmp_path: Path) -> None:
    space = TagSpace([*TAGS, Tag("arts", "Arts, Culture & Media", "🎨", "art", "Art")])
    name = "Arts, Culture & Media"
    for record in (
        studio(said(choices(name))), flat(topic=name), argilla(name), {"text": "x", "label": name, "answer": "accept"},
        {"text": "x", "labels": [name]}, {"text": "x", "label": name},
    ):  # fmt: skip
        (tmp_path / "a").write_text(json.dumps(record))
        assert Read(tmp_path / "a", tags=space).labels == [{"arts"}]
