"""What a command finds where it runs: consoles that aren't UTF-8, closed streams, users without a home folder.

What a console can't show is written in ASCII. A closed stream reads as empty and discards what is written to it.
"""

import codecs
import io
import os
import sys
from pathlib import Path
from typing import TextIO

_TYPED = str.maketrans({"…": "...", "→": "->", "–": "-", "−": "-", "—": "-", "“": '"', "”": '"', "’": "'", "✓": "ok"})
_ESCAPES = "tierbot-escapes"


def prepare_streams() -> None:
    """Open the standard streams that are closed, and let the others write any character."""
    codecs.register_error(_ESCAPES, _escaped)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Also the descriptor: otherwise the next file that is opened would become the standard stream.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)


def prepare_home() -> None:
    """Name a home folder for a user without one: packages look there for their settings as they are imported."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/nonexistent"


def writes_utf8(stream: TextIO) -> bool:
    """Return whether a stream takes every character as it is."""
    return codecs.lookup(stream.encoding or "utf-8").name.startswith("utf")


def argument_text(argument: str) -> str:
    """Return an argument's text, which is UTF-8 whatever the locale says; a broken byte becomes U+FFFD."""
    return os.fsencode(argument).decode("utf-8", "replace")


def _escaped(fault: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(fault, UnicodeEncodeError)  # noqa: S101 - the handler of text that is written
    said = fault.object[fault.start : fault.end].translate(_TYPED)
    return said.encode("ascii", "backslashreplace").decode("ascii"), fault.end
