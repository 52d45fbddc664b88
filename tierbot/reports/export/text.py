"""Exports JSON lines and CSV, which need no library."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from tierbot.reports.dataset import COLUMNS, ColumnKind, Row
from tierbot.reports.export.format import ExportFormat, Surroundings

_PLAIN = {ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.NUMBER, ColumnKind.TIME}
# A spreadsheet takes a cell that begins so for a formula, and feeds' titles are anybody's (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(value: Any) -> str:
    """Return a row, or a part of one, as JSON on one line; times become ISO 8601."""
    return orjson.dumps(value).decode()


def _write_jsonl(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    return []


def _write_csv(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in COLUMNS])
        writer.writerows([_cell(row[column.name], column.kind) for column in COLUMNS] for row in rows)
    return []


def _cell(value: Any, kind: ColumnKind) -> Any:
    if value is None:
        return ""
    if kind not in _PLAIN:
        return as_json(value)
    if kind is ColumnKind.TIME:
        return value.isoformat()
    return safe_cell(value) if kind is ColumnKind.TEXT else value


def safe_cell(text: str) -> str:
    """Prefix text that a spreadsheet could take for a formula with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


JSONL = ExportFormat(
    name="jsonl",
    suffix=".jsonl",
    about="One JSON object a line (UTF-8). Shares and counts are objects `{tag: number}`, votes a list of objects, "
    "times ISO 8601 with offset; what is missing is `null`.",
    write=_write_jsonl,
)
CSV = ExportFormat(
    name="csv",
    suffix=".csv",
    about="CSV (RFC 4180, UTF-8) with a header. Shares, counts and votes are JSON within their cell; what is missing "
    "is empty. A text that a spreadsheet would take for a formula begins with an apostrophe.",
    write=_write_csv,
)
