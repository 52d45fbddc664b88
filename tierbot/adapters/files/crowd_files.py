"""Read crowd data from CSV; errors name the file, the line and a remedy."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tierbot.domain.feedback.crowd.table import CrowdError, CrowdTable

_VOTES = ("item", "worker", "label")
_TRUTHS = ("item", "truth")
_ALIASES = {"task": "item"}  # crowd-kit's word


def read_votes(path: Path) -> CrowdTable:
    """Read votes from a CSV file (.csv or .csv.gz) with the columns item (or task), worker, label. Raises CrowdError."""
    rows = [(item, worker, label) for _, (item, worker, label) in _rows(path, _VOTES)]
    if not rows:
        raise CrowdError(f"{path}: has no votes below its header. Add at least one row of item,worker,label.")
    return CrowdTable.from_rows(rows)


def read_truth(path: Path) -> dict[str, str]:
    """Read item → true label from a CSV file with the columns item (or task), truth. CrowdError for an invalid file."""
    truths: dict[str, str] = {}
    for line, (item, truth) in _rows(path, _TRUTHS):
        if truths.setdefault(item, truth) != truth:
            raise CrowdError(f"{path}:{line}: item {item!r} is {truth!r} here and {truths[item]!r} above. Keep one.")
    return truths


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    try:
        # utf-8-sig, because spreadsheets write a byte order mark, which would become part of the first column's name.
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from _checked(file, path, columns)
    except UnicodeDecodeError as fault:
        raise CrowdError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from fault
    except (OSError, EOFError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise CrowdError(f"{path}: cannot be read ({reason}). Give the path of a CSV file.") from fault


def _checked(file: TextIO, path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells of `columns`) of each row, without surrounding blanks."""
    reader, expected = csv.reader(file, strict=True), ",".join(columns)
    places: list[int] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if places is None:
                header = [_ALIASES.get(name, name) for name in (cell.strip().lower() for cell in row)]
                missing = [column for column in columns if column not in header]
                if missing:
                    raise CrowdError(
                        f"{path}:{reader.line_num}: no column {missing[0]!r} in the header {','.join(header)!r}. "
                        f"Start the file with the line {expected}"
                    )
                places, width = [header.index(column) for column in columns], len(row)
                continue
            if len(row) != width:
                raise CrowdError(
                    f"{path}:{reader.line_num}: {len(row)} columns, but the header has {width}. Fix that line."
                )
            cells = [row[place].strip() for place in places]
            for column, cell in zip(columns, cells, strict=True):
                if not cell:
                    raise CrowdError(f"{path}:{reader.line_num}: the {column} is empty. Fill it in or remove the line.")
            yield reader.line_num, cells
    except csv.Error as fault:
        raise CrowdError(f"{path}:{reader.line_num}: is not CSV ({fault}). Fix that line.") from fault
    if places is None:
        raise CrowdError(f"{path}:1: the file is empty. Start it with the line {expected}")
