"""Reads the files that people write: every error names the file, what is wrong with it, and how to fix it."""

import tomllib
from pathlib import Path
from typing import Any

from tierbot.domain.nouns import TierbotError


def read_text(path: Path, error: type[TierbotError]) -> str:
    """Return the text of a UTF-8 file. Raises `error` if it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise error(f"{path}: cannot be read ({fault.strerror}). Give the path of a text file.") from fault
    except UnicodeDecodeError as fault:
        raise error(f"{path}: is not UTF-8 text. Save it as UTF-8.") from fault


def parse_toml(text: str, name: str, error: type[TierbotError]) -> dict[str, Any]:
    """Parse TOML. Raises `error`, calling the file `name`, if the syntax is wrong."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise error(f"{name}: {fault}. Fix the TOML there.") from fault
