"""What a command finds where it runs: consoles that aren't UTF-8, closed streams, users without a home folder.

What a console can't show is written in ASCII. A closed stream reads as empty and discards what is written to it. No
text that is written, whoever writes it, holds control characters: they come from outside (feeds, Slack, file names).
"""

import codecs
import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from tierbot.logs import visible

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
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)
        setattr(sys, name, VisibleStream(unguarded(stream)))


class VisibleStream:
    """A stream of text that escapes control characters, also for packages that print.

    It isn't a terminal, so that no package tries to color it. Our consoles (output.py) write their colors past it.
    """

    def __init__(self, stream: TextIO) -> None:
        """Take the stream to write to."""
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        return self.stream.write(visible(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        self.stream.writelines(map(visible, lines))

    def isatty(self) -> bool:
        """Return False."""
        return False

    @property
    def buffer(self) -> Any:
        """The stream of bytes, for exports: unchanged into a file or a pipe, escaped on a terminal."""
        return _VisibleBytes(self) if self.stream.isatty() else self.stream.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _VisibleBytes(io.RawIOBase):
    def __init__(self, stream: VisibleStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(self._decoder.decode(bytes(data)))
        return len(data)


def unguarded(stream: Any) -> Any:
    """Return the stream below a VisibleStream, or the stream itself."""
    return stream.stream if isinstance(stream, VisibleStream) else stream


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
