"""Parses the TOML that people write: every error names the file, what is wrong with it, and how to fix it."""

import tomllib
from typing import Any

from tierbot.domain.nouns import TierbotError


def parse_toml(text: str, name: str, error: type[TierbotError]) -> dict[str, Any]:
    """Parse TOML. Raises `error`, calling the file `name`, if the syntax is wrong."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))  # Windows' editors write a byte order mark
    except tomllib.TOMLDecodeError as fault:
        raise error(f"{name}: {fault}. Fix the TOML there.") from fault
