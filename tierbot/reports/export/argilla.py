"""Export Argilla records: the article, its label as a response, the model's tag as a suggestion."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_list
from tierbot.reports.flat import labels_of

QUESTION = "topics"
PLACEHOLDER = str(uuid5(NAMESPACE_URL, "tierbot"))
"""Stands for the user who responded: Argilla requires one, and its server one that it knows."""

_METADATA = (
    "post_id",
    "round",
    "source",
    "url",
    "arm",
    "action",
    "propensity",
    "outcome",
    "reward",
    "weight",
    "voters",
)


def _write(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    write_list(map(_record, rows), path)
    return []


def _record(row: Row) -> dict[str, Any]:
    predicted, labels = row["top_tag"], labels_of(row)
    suggestion = {"value": [predicted], "score": [row["probabilities"].get(predicted, 0.0)], "agent": row["model"]}
    response = {"value": labels, "user_id": PLACEHOLDER, "status": "submitted"}
    return {
        "id": row["post_id"],
        "fields": {"title": row["title"], "text": row["text"]},
        "metadata": {name: row[name] for name in _METADATA if row[name] is not None},
        "suggestions": {QUESTION: suggestion},
        "responses": {QUESTION: [response]} if labels else {},
        "vectors": {},
    }


ARGILLA = ExportFormat(
    name="argilla",
    suffix=".argilla.json",
    about=f"A JSON list of records for Argilla's SDK (`rg.Record.from_dict`, `dataset.records.from_json`): the fields `title` and "
    f"`text`, and a multi-label question `{QUESTION}`. Its response is the label, its suggestion the model's most probable tag. The "
    f"response's `user_id` is a placeholder, `{PLACEHOLDER}`: replace it with a user of your server.",
    write=_write,
)
