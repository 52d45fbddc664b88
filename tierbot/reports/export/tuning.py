"""Export for fine-tuning language models: TRL's prompts with completions and preferences, OpenAI's chats."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tierbot.domain.nouns import Arm, Outcome
from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import Row, content_of
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_lines
from tierbot.reports.flat import labels_of

_Example = Callable[[str, Row], dict[str, Any] | None]
"""Turns the instruction and a row into an example; None for a row that gives none."""


def instruction(tags: TagSpace) -> str:
    """Return what the model is asked to do with an article."""
    known = ", ".join(tag.id for tag in tags)
    return f"Name the topics of the article, separated by commas. Use only these topics: {known}."


def _prompt(instructed: str, row: Row) -> str:
    return f"{instructed}\n\nArticle: {content_of(row)}\n\nTopics:"


def _answer(row: Row) -> str:
    return ", ".join(labels_of(row))


def _completion(instructed: str, row: Row) -> dict[str, Any] | None:
    named = row["outcome"] == Outcome.NAMED
    return {"prompt": _prompt(instructed, row), "completion": f" {_answer(row)}"} if named else None


def _preference(instructed: str, row: Row) -> dict[str, Any] | None:
    if row["outcome"] != Outcome.NAMED or row["arm"] == Arm.BLANK or row["action"] in row["label"]:
        return None
    return {"prompt": _prompt(instructed, row), "chosen": f" {_answer(row)}", "rejected": f" {row['action']}"}


def _chat(instructed: str, row: Row) -> dict[str, Any] | None:
    said = (("system", instructed), ("user", content_of(row)), ("assistant", _answer(row)))
    return {"messages": [{"role": role, "content": content} for role, content in said]} if row["label"] else None


def _writer(example: _Example, left: str) -> Callable[[Iterable[Row], Path, Surroundings], list[str]]:
    """Return a format's `write`. left: names the rows that are left out, for people."""

    def write(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
        instructed, left_out = instruction(around.tags), 0

        def examples() -> Iterator[dict[str, Any]]:
            nonlocal left_out
            for row in rows:
                made = example(instructed, row)
                left_out += made is None
                if made is not None:
                    yield made

        write_lines(examples(), path)
        return [f"Left out {left_out} rows {left}."] if left_out else []

    return write


_ASKED = "The prompt names the topics to choose from, by id, and ends with the article (title and text)."
TRL_SFT = ExportFormat(
    name="trl-sft",
    suffix=".sft.jsonl",
    about=f"JSON lines with `prompt` and `completion` for TRL's `SFTTrainer`. {_ASKED} The completion is the label's tags, separated by "
    "commas. Rows without a label are left out.",
    write=_writer(_completion, "without a label"),
)
TRL_PREFERENCE = ExportFormat(
    name="trl-preference",
    suffix=".preference.jsonl",
    about="JSON lines with `prompt`, `chosen` and `rejected` for TRL's `DPOTrainer` and others that learn from preferences: one pair for each "
    f"post that showed a wrong tag and whose right one was named. {_ASKED} `chosen` is the label's tags, `rejected` the tag that was "
    "shown. Other rows are left out.",
    write=_writer(_preference, "that don't have both a wrong tag that was shown and a label"),
)
OPENAI = ExportFormat(
    name="openai",
    suffix=".openai.jsonl",
    about="JSON lines with `messages` for OpenAI's chat fine-tuning, also read by TRL's `SFTTrainer`: the system names the topics to choose "
    "from, the user gives the article (title and text), the assistant answers with the label's tags, separated by commas. Rows without a "
    "label are left out.",
    write=_writer(_chat, "without a label"),
)
