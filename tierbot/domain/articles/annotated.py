"""Recognizes records of annotation tools: Label Studio, Argilla and Prodigy.

If there are several annotators, at least half must agree.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from tierbot.domain.articles.label_values import LabelError, labels_in

_ANSWERS = frozenset({"accept", "reject", "ignore"})
_PRODIGY = {"accept", "label", "options", "_task_hash"}  # a Prodigy annotation has one of these next to its "answer"
_STUDIO = {
    "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "id", "agreement", "history", "comments",
}  # fmt: skip
STUDIO_FLAT = {"annotation_id", "annotator"}  # Label Studio's records of one annotation each have both
_ADDRESS = re.compile(r"\S*/\S*")  # of an image or a sound
_TOPICAL = {"choices", "taxonomy"}  # Label Studio's results that label a whole text

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Annotated:
    """An annotation tool's record: the article's own fields, and the labels that annotators gave it."""

    tool: str
    fields: Record
    labels: Sequence[str] | None  # None: its fields hold the label
    task: str = ""  # set if the file has a record per annotator: the id that those of one task share


def annotated(record: Record, field_of: Callable[[str], str | None]) -> Annotated | None:
    """Return what a record of an annotation tool says; None for any other record.

    field_of: returns which part of an article a field holds, by its name: "text", "tags" (its labels) … Raises LabelError
    for annotations that can't be understood.
    """
    own = _studio_task(record) or _studio_flat(record, field_of) or _argilla(record) or _prodigy(record)
    if own is None or own.labels is None:
        return own
    fields = {name: one for name, one in own.fields.items() if field_of(name) != "tags"}
    if {"title", "text"}.isdisjoint(map(field_of, fields)):  # a project can give its text field any name
        texts = [
            one
            for name, one in fields.items()
            if isinstance(one, str) and field_of(name) is None and not _ADDRESS.fullmatch(one)
        ]
        fields |= {"text": texts[0]} if len(texts) == 1 else {}
    return Annotated(own.tool, fields, own.labels, own.task)


def agreed(given: Sequence[Sequence[str]]) -> list[str]:
    """Return the labels that at least half of the annotators gave, the most frequent first."""
    support = Counter(chain.from_iterable(map(dict.fromkeys, given)))
    return [label for label, count in support.most_common() if 2 * count >= len(given)]


def _given(value: object) -> tuple[str, ...]:
    """Return the labels of an answer. A tool writes several as JSON, so a text is one label, whatever is in it."""
    several = not isinstance(value, str) or value[:1] in {"{", "["}
    return labels_in(value) if several else (str(value),)


# --- Label Studio ---------------------------------------------------------------------------------


def _studio_task(record: Record) -> Annotated | None:
    """Read a task with its annotations (before 1.0: completions). A ground truth, if there is one, decides alone."""
    data = record.get("data")
    annotations = record.get("annotations", record.get("completions"))
    if not isinstance(data, dict) or not isinstance(annotations, list):
        return None
    counted = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    truths = [one for one in counted if one.get("ground_truth")] or counted
    if "aggregator" in data and all("trainer" in (part.get("meta") or {}) for part in _results(counted)):
        return Annotated(
            "Label Studio", data, None
        )  # nobody annotated it since: its data has the label that votes settled to
    if counted and not any(map(_is_topical, _results(counted))) and any(_results(counted)):
        raise LabelError("is annotated, but with neither choices nor a taxonomy; export a project with one of them")
    return Annotated("Label Studio", data, agreed([_chosen(one) for one in truths]))


def _results(annotations: Sequence[Record]) -> Iterator[Record]:
    for one in annotations:
        results = one.get("result")
        yield from (part for part in results if isinstance(part, dict)) if isinstance(results, list) else ()


def _is_topical(result: Record) -> bool:
    value = result.get("value")
    return isinstance(value, dict) and not _TOPICAL.isdisjoint(value)


def _chosen(annotation: Record) -> list[str]:
    return list(chain.from_iterable(labels_in(part["value"]) for part in _results([annotation]) if _is_topical(part)))


def _studio_flat(record: Record, field_of: Callable[[str], str | None]) -> Annotated | None:
    """Read a record of JSON-MIN or CSV, which has a field per control and stands for one annotation."""
    if not record.keys() >= STUDIO_FLAT:
        return None
    names = list(record)
    others = [name for name in names if name not in _STUDIO and record[name] not in (None, "", [])]
    controls = [name for name in others if _is_control(record[name])]
    if names.index("annotator") < names.index("annotation_id"):  # JSON-MIN puts controls between the data and its own
        start = names.index("id") + 1 if "id" in names else 0
        between = set(names[start : names.index("annotator")])
        controls = [name for name in others if name in between and field_of(name) in {None, "tags"}] or controls
    elif not controls:  # CSV sorts its columns
        controls = [name for name in others if field_of(name) == "tags"][:1]
        controls = controls or [name for name in others if field_of(name) is None]
        if len(controls) > 1:
            raise LabelError(
                f"has several columns that may hold the label ({', '.join(controls)[:80]}); rename it to label"
            )
    labels = chain.from_iterable(_given(record[name]) for name in controls)
    left = {name: value for name, value in record.items() if name not in {*controls, *(_STUDIO - {"id"})}}
    return Annotated("Label Studio", left, list(labels), str(record.get("id") or ""))


def _is_control(value: object) -> bool:
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(isinstance(part, dict) and not _TOPICAL.isdisjoint(part) for part in parts)


# --- Argilla --------------------------------------------------------------------------------------


def _argilla(record: Record) -> Annotated | None:
    """Read a record of Argilla's SDK: nested, flattened (`topics.responses`), or of version 1 (`annotation`).

    Suggestions and predictions are a model's, so they label nothing.
    """
    fields = record.get("fields")
    if isinstance(fields, dict) and not {"responses", "suggestions"}.isdisjoint(record):
        metadata = record.get("metadata")
        data = {**(metadata if isinstance(metadata, dict) else {}), **fields}
        return Annotated("Argilla", data, agreed(list(_responses(record.get("responses")))))
    flat = [name for name in record if name.endswith(".responses")]
    if flat:
        own = {name: value for name, value in record.items() if "." not in name}
        given = chain.from_iterable(_flattened(record[name], record.get(f"{name}.status")) for name in flat)
        return Annotated("Argilla", own, agreed(list(given)))
    if "annotation" in record and not {"prediction", "inputs", "annotation_agent"}.isdisjoint(record):
        inputs = record.get("inputs")
        data = {**record, **(inputs if isinstance(inputs, dict) else {})}
        return Annotated("Argilla", data, _given(record["annotation"]))
    return None


def _responses(responses: object) -> Iterator[tuple[str, ...]]:
    """Yield each response's labels: {question: [{value, status}]}, or before 2.0 [{values: {question: {value}}, status}]."""
    given: list[Any] = []
    if isinstance(responses, dict):
        given = list(chain.from_iterable(one for one in responses.values() if isinstance(one, list)))
    elif isinstance(responses, list):
        for one in responses:
            values = one.get("values") if isinstance(one, dict) else None
            values = values if isinstance(values, dict) else {}
            given += [{**value, "status": one.get("status")} for value in values.values() if isinstance(value, dict)]
    for one in given:
        if isinstance(one, dict) and _counts(one.get("status")) and isinstance(one.get("value"), str | list):
            yield _given(one["value"])


def _flattened(values: object, statuses: object) -> Iterator[tuple[str, ...]]:
    values, statuses = _as_list(values), _as_list(statuses)
    for value, status in zip_longest(values, statuses[: len(values)]):
        if _counts(status):
            yield _given(value)


def _as_list(value: object) -> list[Any]:
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _counts(status: object) -> bool:
    return status not in {"discarded", "draft"} if isinstance(status, str) else True


# --- Prodigy --------------------------------------------------------------------------------------


def _prodigy(record: Record) -> Annotated | None:
    answer, meta = record.get("answer"), record.get("meta")
    if not isinstance(answer, str) or _PRODIGY.isdisjoint(record):
        return None
    fields = {**(meta if isinstance(meta, dict) else {}), **record}
    if answer not in _ANSWERS:
        raise LabelError(f"has the answer {answer[:40]!r}; Prodigy's are {', '.join(sorted(_ANSWERS))}")
    if answer != "accept":
        return Annotated("Prodigy", fields, ())
    chosen = record.get("accept")
    if not isinstance(chosen, list):
        return Annotated("Prodigy", fields, _given(chosen or record.get("label")))
    options = record.get("options")
    texts = {
        one["id"]: one["text"]
        for one in (options if isinstance(options, list) else ())
        if isinstance(one, dict) and isinstance(one.get("id"), int) and isinstance(one.get("text"), str)
    }
    return Annotated(
        "Prodigy", record, labels_in([texts.get(one, one) if isinstance(one, int) else one for one in chosen])
    )
