"""Export JSON lines and CSV, which can be read without a library."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from tierbot.reports.dataset import COLUMNS, ColumnKind, Row
from tierbot.reports.export.format import ExportFormat, Surroundings

# Spreadsheets treat such cells as formulas, and feed titles are untrusted (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(value: Any) -> str:
    """Return a row or part of one as JSON on one line, with times in ISO 8601."""
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
    if value is None or kind in {ColumnKind.INTEGER, ColumnKind.NUMBER}:
        return value
    if kind is ColumnKind.TIME:
        return value.isoformat()
    if kind is ColumnKind.TEXT:
        return f"'{value}" if value.startswith(_FORMULA) else value
    return as_json(value)


JSONL = ExportFormat(
    name="jsonl",
    suffix=".jsonl",
    about="One JSON object per line (UTF-8). Shares and counts are objects `{tag: number}`, votes a list of objects, "
    "times ISO 8601 with offset; missing values are `null`.",
    write=_write_jsonl,
)
CSV = ExportFormat(
    name="csv",
    suffix=".csv",
    about="CSV (RFC 4180, UTF-8) with a header. Shares, counts and votes are JSON within their cell; missing values are "
    "empty. Text that a spreadsheet would treat as a formula is prefixed with an apostrophe.",
    write=_write_csv,
)
