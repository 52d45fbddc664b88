"""Makes from the code what tells of it: the reference (settings, commands, tables) and .env.example.

    python docs/generate.py

Tests (tests/docs/test_docs.py, tests/test_settings.py) hold the files to what this makes.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import typer
from pydantic.fields import FieldInfo
from sqlalchemy import Column, Table
from typer.models import ArgumentInfo, OptionInfo

from tierbot.adapters.store import rows, work_rows
from tierbot.adapters.store.columns import Row, table
from tierbot.cli.app import app
from tierbot.settings import Settings, environment_name

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by `python docs/generate.py`; a test holds it to the code. -->"


def main() -> None:
    """Write every page, and .env.example."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    (FOLDER.parent.parent / ".env.example").write_text(env_example(), encoding="utf-8")


# --- settings -------------------------------------------------------------------------------------

SECTIONS = {
    "slack_bot_token": "Slack",
    "database_url": "Data",
    "feeds": "Feeds and boundaries",
    "timezone": "What and when to post",
    "blank_share": "How to ask",
    "minimum_voters": "How to settle and learn",
    "smoke_test_every_hours": "How it is looked after",
}
"""Headings of the settings, by the first setting beneath each."""


def shown_default(field: FieldInfo) -> str:
    """Return a setting's default as it is written in the environment, empty for none."""
    default = field.default
    return ",".join(default) if isinstance(default, tuple) else "" if default is None else str(default)


def env_example() -> str:
    """Return the text of .env.example: every setting with what it is for and its default, commented out."""
    lines = ["# Copy to .env and fill in. What is commented out has the default shown."]
    for name, field in Settings.model_fields.items():
        if name in SECTIONS:
            lines += ["", f"# --- {SECTIONS[name]} ---"]
        needed = name in {"slack_bot_token", "slack_app_token", "channel"}
        lines += [
            "",
            f"# {field.description}",
            f"{'' if needed else '# '}{environment_name(name)}={shown_default(field)}",
        ]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return the settings as Markdown."""
    parts = [
        "# Settings",
        MADE,
        (
            "From the environment, or from `.env` in the folder that tierbot is started in; the environment wins. What cannot "
            "be used is refused at the start, in one sentence that names the setting. Secrets are never shown or logged."
        ),
    ]
    lines: list[str] = []
    for name, field in Settings.model_fields.items():
        if name in SECTIONS:
            if lines:
                parts.append("\n".join(lines))
            parts.append(f"## {SECTIONS[name]}")
            lines = ["| setting | default | may be | meaning |", "|---|---|---|---|"]
        default = shown_default(field)
        cells = (
            f"`{environment_name(name)}`",
            f"`{default}`" if default else "",
            _limits(field),
            field.description or "",
        )
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return _joined([*parts, "\n".join(lines)])


def _limits(field: FieldInfo) -> str:
    """Return the bounds of a number as "1–500" or "> 0"."""
    found = {
        name: getattr(one, name) for one in field.metadata for name in ("gt", "ge", "lt", "le") if hasattr(one, name)
    }
    if "ge" in found and "le" in found:
        return f"{found['ge']}–{found['le']}"
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return ", ".join(f"{signs[name]} {value}" for name, value in found.items())


# --- commands -------------------------------------------------------------------------------------


def commands_page() -> str:
    """Return the commands as Markdown."""
    parts = [
        "# Commands",
        MADE,
        (
            "`tierbot COMMAND --help` says the same. A command that could not do what it should ends with 1, one that was "
            "called wrongly with 2."
        ),
    ]
    for path, run in sorted(commands(app), key=lambda pair: pair[0]):
        parts += [f"## tierbot {' '.join(path)}", _without_breaks(run.__doc__ or "")]
        taken = [(_call(one), _meaning(one)) for one in inspect.signature(run).parameters.values() if _info(one)]
        if taken:
            lines = "\n".join(f"| {_cell(call)} | {_cell(meaning)} |" for call, meaning in taken)
            parts.append(f"| argument or option | meaning |\n|---|---|\n{lines}")
    return _joined(parts)


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Callable[..., Any]]]:
    """Yield every command that can be run, as the words that call it and the function that it is."""
    for one in group.registered_commands:
        if one.callback is not None:
            yield (*path, one.name or one.callback.__name__.replace("_", "-")), one.callback
    for part in group.registered_groups:
        if part.typer_instance is not None:
            below = (*path, part.name or part.typer_instance.info.name or "")
            inner = part.typer_instance
            own = inner.registered_callback
            runs = own is not None and True in {own.invoke_without_command, inner.info.invoke_without_command}
            if own is not None and own.callback is not None and runs:
                yield below, own.callback
            yield from commands(part.typer_instance, below)


def options_of(run: Callable[..., Any]) -> set[str]:
    """Return the names of a command's options, with their dashes."""
    return {name for one in inspect.signature(run).parameters.values() for name in _names(one)}


def _info(parameter: inspect.Parameter) -> Any:
    found = getattr(parameter.annotation, "__metadata__", ())
    return next((one for one in found if isinstance(one, OptionInfo | ArgumentInfo)), None)


def _type(parameter: inspect.Parameter) -> Any:
    """Return what one value is, such as int for list[int] | None."""
    kind = get_args(parameter.annotation)[0]
    while inner := [one for one in get_args(kind) if one is not NoneType]:
        kind = inner[0]
    return kind


def _names(parameter: inspect.Parameter) -> list[str]:
    info = _info(parameter)
    if not isinstance(info, OptionInfo):
        return []
    # Beside an annotation, typer takes the first of an option's names for its default.
    given = [one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str) and one.startswith("-")]
    if given:
        return [name for one in given for name in one.split("/")]
    name = parameter.name.strip("_").replace("_", "-")
    return [f"--{name}", f"--no-{name}"] if _type(parameter) is bool else [f"--{name}"]


def _call(parameter: inspect.Parameter) -> str:
    names, kind = _names(parameter), _type(parameter)
    if not names:
        may = "" if parameter.default is inspect.Parameter.empty else " (may be left out)"
        return f"`{parameter.name.strip('_').upper()}`{may}"
    takes = "" if kind is bool else f" {'|'.join(kind) if issubclass(kind, StrEnum) else kind.__name__.upper()}"
    return ", ".join(f"`{name}{takes}`" for name in names)


def _meaning(parameter: inspect.Parameter) -> str:
    info, default = _info(parameter), parameter.default
    more = [f"{sign} {limit}" for sign, limit in (("≥", info.min), ("≤", info.max)) if limit is not None]
    if default not in {inspect.Parameter.empty, None, False, "", ()} and "[default" not in (info.help or ""):
        more.append(f"default {default}")
    told = f" ({', '.join(more)})" if more else ""
    return f"{info.help or ''}{told}"


def _without_breaks(text: str) -> str:
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


# --- tables ---------------------------------------------------------------------------------------


def schema_page() -> str:
    """Return the database's tables as Markdown."""
    parts = [
        "# Database",
        MADE,
        (
            "SQLite and PostgreSQL have the same tables. Each carries `workspace_id`, and references never cross workspaces. "
            "Moments are UTC. On SQLite a moment is a text that sorts by time, a document is JSON text. Read it as you like; "
            "let only tierbot write. Exports ([data dictionary](../data-dictionary.md)) are the stable way to the data."
        ),
    ]
    for module in (rows, work_rows):
        for row in vars(module).values():
            if isinstance(row, type) and issubclass(row, Row) and hasattr(row, "__table__"):
                parts += _table_part(row)
    return _joined(parts)


def _table_part(row: type[Row]) -> list[str]:
    found, notes = table(row), _comments(row)
    lines = ["| column | type | may be missing | meaning |", "|---|---|---|---|"]
    for column in found.columns:
        kind = _kind(column) + (", key" if column.primary_key else "")
        missing = "yes" if column.nullable else ""
        lines.append(f"| `{column.name}` | {kind} | {missing} | {_cell(_note(column, found, notes))} |")
    return [f"## {found.name}", inspect.cleandoc(row.__doc__ or ""), "\n".join(lines)]


_KINDS = {
    "Words": "text",
    "Choice": "text",
    "Moment": "moment",
    "Names": "list of ids",
    "JSON": "document",
    "LargeBinary": "bytes",
}


def _kind(column: Column[Any]) -> str:
    name = type(column.type).__name__
    return _KINDS.get(name, name.removesuffix("Integer").lower() + ("integer" if name.endswith("Integer") else ""))


def _note(column: Column[Any], found: Table, notes: Mapping[str, str]) -> str:
    targets = sorted(
        {key.target_fullname for key in column.foreign_keys if column.name != "workspace_id" and found.name}
    )
    refers = f"→ `{targets[0]}`" if targets else ""
    return "; ".join(part for part in (refers, notes.get(column.name, "")) if part)


def _comments(row: type[Row]) -> dict[str, str]:
    """Return what stands beside each column in the source."""
    found = re.findall(r"^    (\w+):.*?  # (.+)$", inspect.getsource(row), re.MULTILINE)
    return {name: note for name, note in found if not note.startswith(("noqa", "type:"))}


# --- Markdown -------------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _joined(parts: list[str]) -> str:
    return "\n\n".join(parts) + "\n"


PAGES = {"settings.md": settings_page, "commands.md": commands_page, "schema.md": schema_page}

if __name__ == "__main__":
    main()
