"""Export JSON lines and CSV, which can be read without a library."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tierbot.reports.dataset import COLUMNS, ColumnKind, Row
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_lines
from tierbot.reports.flat import FLAT

# Spreadsheets treat such cells as formulas, and feed titles are untrusted (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _write_jsonl(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    write_lines(rows, path)
    return []


def _write_csv(rows: Iterable[Row], path: Path, _: Surroundings) -> list[str]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in FLAT])
        writer.writerows([_cell(column.value(row), column.kind) for column in FLAT] for row in rows)
    return []


def _cell(value: Any, kind: ColumnKind) -> Any:
    if value is None or kind in {ColumnKind.INTEGER, ColumnKind.NUMBER}:
        return value
    if kind is ColumnKind.TIME:
        return value.isoformat(timespec="microseconds")  # of one length, or readers see text
    return f"'{value}" if value.startswith(_FORMULA) else value


JSONL = ExportFormat(
    name="jsonl",
    suffix=".jsonl",
    about="One JSON object per line (UTF-8). Shares and counts are objects `{tag: number}`, votes a list of objects, "
    "times ISO 8601 with offset; missing values are `null`.",
    write=_write_jsonl,
    columns=COLUMNS,
)
CSV = ExportFormat(
    name="csv",
    suffix=".csv",
    about="CSV (RFC 4180, UTF-8) with a header and flat columns: one text, number or time per cell. Missing "
    "values are empty. Text that a spreadsheet would treat as a formula is prefixed with an apostrophe. Single votes are in "
    "`crowd`, whole distributions in `jsonl` and `parquet`.",
    write=_write_csv,
    columns=FLAT,
)
