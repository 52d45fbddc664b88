"""Export for annotation tools that read JSON lines: Prodigy's `choice` tasks, and doccano's text classification."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from tierbot.domain.nouns import Outcome
from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row, content_of
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_lines
from tierbot.reports.flat import labels_of

_META = ("post_id", "source", "url", "model", "weight", "voters")
_ANSWERS = {Outcome.NAMED: "accept", Outcome.WRONG: "reject", Outcome.ABSTAINED: "ignore"}


def _write_prodigy(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
    write_lines(map(partial(_task, options=_options(around.tags)), rows), path)
    return []


def _options(tags: TagSpace) -> list[dict[str, str]]:
    return [{"id": tag.id, "text": f"{tag.character} {tag.name}"} for tag in tags]


def _task(row: Row, options: list[dict[str, str]]) -> dict[str, Any]:
    answer = _ANSWERS[Outcome(row["outcome"])]
    return {
        "text": content_of(row),
        "options": options,
        "accept": [row["action"]] if answer == "reject" else labels_of(row),
        "answer": answer,
        "meta": {name: row[name] for name in _META},
        "config": {"choice_style": "multiple"},
        "_view_id": "choice",
    }


def _write_doccano(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    write_lines(
        ({"text": content_of(row), "label": labels_of(row), **{n: row[n] for n in _META}} for row in rows), path
    )
    return []


PRODIGY = ExportFormat(
    name="prodigy",
    suffix=".prodigy.jsonl",
    about="JSON lines for `prodigy db-in`, in the format of Prodigy's `choice` interface with several choices: `text` (title and "
    "text), `options` (the tags), `accept` (the label's tags), `answer` and `meta`. `answer` is `accept` for a label, `ignore` if "
    "the verdict abstained, and `reject` if the verdict is that the action is wrong; in that case, `accept` has the action.",
    write=_write_prodigy,
)
DOCCANO = ExportFormat(
    name="doccano",
    suffix=".doccano.jsonl",
    about="JSON lines for doccano's text classification: `text` (title and text) and `label` (a list of the label's tags). doccano keeps "
    "the other fields as metadata.",
    write=_write_doccano,
)
