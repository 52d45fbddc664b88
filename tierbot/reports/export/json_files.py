"""Write JSON: a value per line, or one list of values, a value at a time."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


def as_json(value: Any) -> str:
    """Return a value as JSON on one line, with times in ISO 8601."""
    return orjson.dumps(value).decode()


def write_lines(values: Iterable[Any], path: Path) -> None:
    """Write one value per line."""
    with path.open("wb") as file:
        file.writelines(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in values)


def write_list(values: Iterable[Any], path: Path) -> None:
    """Write the values as one JSON list."""
    between = b"[\n"
    with path.open("wb") as file:
        for value in values:
            file.write(between + orjson.dumps(value))
            between = b",\n"
        file.write(b"\n]\n" if between == b",\n" else b"[]\n")
