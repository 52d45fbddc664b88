"""Export Label Studio tasks: the article, its label as an annotation, the model's tag as a prediction."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.text import as_json

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
    between = "[\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, row in enumerate(rows, start=1):
            file.write(between + as_json({"id": number, **_task(row)}))
            between = ",\n"
        file.write("\n]\n" if between == ",\n" else "[]\n")
    return []


def _task(row: Row) -> dict[str, Any]:
    content = f"{row['title']}. {row['text']}" if row["text"] else row["title"]
    predicted = row["top_tag"]
    prediction = {
        "model_version": row["model"],
        "score": row["probabilities"].get(predicted, 0.0),
        "result": [_result("p", [predicted])],
    }
    annotations = [{"result": [_result("v", list(row["label"]))]}] if row["label"] else []
    data = {name: value for name, value in row.items() if name not in _LEFT_OUT}
    return {"data": {**data, "content": content}, "annotations": annotations, "predictions": [prediction]}


def _result(name: str, tags: list[str]) -> dict[str, Any]:
    where = {"id": name, "from_name": CONTROL, "to_name": OBJECT, "type": "choices"}
    return {**where, "value": {"choices": tags}}


LABEL_STUDIO = ExportFormat(
    name="label-studio",
    suffix=".label-studio.json",
    about="A JSON list of tasks to import into Label Studio. `data` has all columns except the two distributions, and "
    "`content` (title and text). The annotation has the label's tags; the prediction has the model's most probable tag, "
    "with its probability as `score`. The dataset card contains the labeling interface.",
    write=_write,
    columns=False,
)
