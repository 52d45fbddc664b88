"""Export Label Studio tasks: the article, one annotation per trainer, the model's tag as a prediction."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row, content_of, tags_by_trainer
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_list

CONTROL, OBJECT = "topics", "content"
_LEFT_OUT = {"probabilities", "policy_probabilities"}  # useless to people who label


def labeling_config(tags: TagSpace) -> str:
    """Return the labeling interface for the tasks, to be pasted into the project's settings."""
    choices = "\n".join(
        f"    <Choice value={quoteattr(tag.id)} hint={quoteattr(f'{tag.character} {tag.name}')}/>" for tag in tags
    )
    return (
        f'<View>\n  <Text name="{OBJECT}" value="$content"/>\n'
        f'  <Choices name="{CONTROL}" toName="{OBJECT}" choice="multiple">\n{choices}\n  </Choices>\n</View>\n'
    )


def _write(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    write_list(({"id": number, **_task(row)} for number, row in enumerate(rows, start=1)), path)
    return []


def _task(row: Row) -> dict[str, Any]:
    predicted = row["top_tag"]
    prediction = {
        "model_version": row["model"],
        "score": row["probabilities"].get(predicted, 0.0),
        "result": [_result("p", [predicted])],
    }
    annotations = [_annotation(trainer, tags) for trainer, tags in tags_by_trainer(row).items()]
    data = {name: value for name, value in row.items() if name not in _LEFT_OUT}
    return {"data": {**data, "content": content_of(row)}, "annotations": annotations, "predictions": [prediction]}


def _annotation(trainer: str, tags: list[str]) -> dict[str, Any]:
    # Label Studio refuses a `completed_by` that isn't one of its users, so the trainer stands in the result.
    results = [{**_result(trainer, tags), "meta": {"trainer": trainer, "text": [trainer]}}] if tags else []
    return {"result": results, "was_cancelled": not tags}


def _result(name: str, tags: list[str]) -> dict[str, Any]:
    where = {"id": name, "from_name": CONTROL, "to_name": OBJECT, "type": "choices"}
    return {**where, "value": {"choices": tags}}


LABEL_STUDIO = ExportFormat(
    name="label-studio",
    suffix=".label-studio.json",
    about="A JSON list of tasks to import into Label Studio. `data` has all columns except the two distributions, and "
    "`content` (title and text). There is one annotation per trainer, with the tags they named and their name in the "
    "result's `meta`; it is marked as skipped if they named none. The prediction has the model's most probable tag, "
    "with its probability as `score`. The dataset card contains the labeling interface.",
    write=_write,
)
