"""`.env` as text: set values and keep everything else; write it atomically, readable by its owner only."""

import re
from collections.abc import Mapping
from pathlib import Path

from tierbot.adapters.atomic import write_whole
from tierbot.domain.nouns import TierbotError

HEADER = "# Written by `tierbot init`. .env.example in the repository lists every other setting and its default.\n"
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$")
_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@-]*")


def values_of(text: str) -> dict[str, str]:
    r"""Return the settings in a file's text, without quotes and comments; the last line of a name counts.

    >>> values_of("A=1  # one\nexport B='x y'\n# C=3")
    {'A': '1', 'B': 'x y'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            found[match[1]] = _unquoted(match[2].strip())
    return found


def with_values(text: str, values: Mapping[str, str]) -> str:
    r"""Return the text with these settings: replaced where the name exists, or else appended.

    >>> with_values("# mine\nA=1\nB=2", {"B": "3", "C": "4"})
    '# mine\nA=1\nB=3\nC=4\n'
    """
    left = dict(values)
    lines = []
    for line in text.splitlines():
        match = _LINE.match(line)
        name = match[1] if match else ""
        if name in values:
            if name in left:  # drop further lines of the same name; they would take precedence
                lines.append(f"{name}={_quoted(left.pop(name))}")
            continue
        lines.append(line)
    lines += [f"{name}={_quoted(value)}" for name, value in left.items()]
    return "\n".join(lines) + "\n"


def read_text(path: Path) -> str:
    """Return a file's text, or "" if it doesn't exist. Raises TierbotError if it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as fault:
        raise TierbotError(f"{path} cannot be read ({fault}). Fix it, or move it away.") from fault


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only, in an existing folder. Raises TierbotError if that fails."""
    try:
        path.parent.resolve(strict=True)  # an existing folder: a new one would be readable by others
        write_whole(path.resolve(), text.encode(), mode=0o600)
    except OSError as fault:
        raise TierbotError(f"{path} cannot be written ({fault.strerror}). Run this in a writable folder.") from fault


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unquoted(value: str) -> str:
    if value[:1] == "'":
        return value[1:].partition("'")[0]
    if value[:1] == '"':
        inner = re.match(r'"((?:[^"\\]|\\.)*)"', value)
        return re.sub(r"\\(.)", r"\1", inner[1].replace("\\n", "\n")) if inner else value
    return re.split(r"\s#", f" {value}", maxsplit=1)[0].strip()
