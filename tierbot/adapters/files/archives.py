"""Open archives: plain or gzipped files and standard input. domain/articles/rows.py parses them."""

import codecs
import gzip
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from tierbot.domain.articles.label_values import FASTTEXT
from tierbot.domain.articles.rows import (
    LONGEST_LINE,
    ArchiveError,
    ArchiveFormat,
    ArchiveRow,
    BadRow,
    Line,
    decode,
    is_csv_header,
    is_utf8,
    parse_rows,
)

_EXAMPLES = 5
_HEAD = 4096  # bytes that tell the format
_PART = 2**16  # bytes that are translated at a time
_IDS_WATCHED = 100_000  # to limit memory
_STDIN = Path("-")
_LINE_END = re.compile(rb"\r\n|\r(?!\Z)|\n")  # a carriage return at the end of what was read may be half of one
_JSON_NAME = re.compile(r"\.(?:jsonl?|ndjson)(?:\.gz)?$", re.IGNORECASE)


@dataclass(slots=True)
class ReadReport:
    """Counts and notes about an archive, complete once all rows are read."""

    rows: int = 0
    bad: int = 0
    examples: list[BadRow] = field(default_factory=list)  # the first few bad rows
    notes: list[str] = field(default_factory=list)  # harmless problems
    _ids: set[str] = field(default_factory=set, repr=False)

    def count_bad(self, row: BadRow) -> None:
        """Count a bad row, and store the first few as examples."""
        self.bad += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(row)

    def note_id(self, row: ArchiveRow, name: str) -> None:
        """Note the first repeated id among the first 100,000. URL or title identifies a row, so none is lost."""
        if row.id and row.id in self._ids and not any("is repeated" in note for note in self.notes):
            self.notes.append(f"{name}:{row.line}: id {row.id!r} is repeated; the url or title identifies a row.")
        if len(self._ids) < _IDS_WATCHED:
            self._ids.add(row.id)


def check_exists(path: Path) -> None:
    """Raise ArchiveError if there is no such file; "-", standard input, is always there."""
    if path != _STDIN and not path.exists():
        raise _missing(str(path))


def _missing(name: str) -> ArchiveError:
    return ArchiveError(f"{name}: there is no such file. Check the path.")


def read_archive(
    path: Path, *, now: datetime, strict: bool = True, report: ReadReport | None = None, most: int | None = None
) -> Iterator[ArchiveRow]:
    """Yield the usable rows of a JSONL or CSV file, plain or gzipped, or of standard input for the path "-".

    The content decides the format (the name only where no line is usable), and memory stays bounded. With `strict`, the first bad row raises
    ArchiveError with file, line and remedy; otherwise `report` counts bad rows and stores the first few. Dates after `now`
    count as missing. Always raises ArchiveError if the file can't be opened, has another format, or has more than `most`
    usable rows (for callers that keep them in memory).
    """
    name = "standard input" if path == _STDIN else str(path)
    report = report if report is not None else ReadReport()
    with ExitStack() as stack:
        try:
            stream = _translated(_open(path, stack))
            head = stream.peek(_HEAD)[:_HEAD]
        except FileNotFoundError as fault:
            raise _missing(name) from fault
        except (OSError, EOFError, zlib.error) as fault:
            raise _unreadable(name, 1, fault) from fault
        form = _format_of(head, name)
        lines = _lines(stream, name, strict, report)
        for row in parse_rows(lines, form, name, now):
            if isinstance(row, ArchiveRow):
                report.rows += 1
                if most is not None and report.rows > most:
                    raise ArchiveError(
                        f"{name} has more than {most:,} rows, too many to keep in memory. Use a part of it, such as the "
                        f"newest: tail -n {most} FILE > PART (gzipped: zcat FILE | tail -n {most} > PART)."
                    )
                report.note_id(row, name)
                yield row
                continue
            if strict:
                raise ArchiveError(f"{name}:{row.line}: the row {row.why}.")
            report.count_bad(row)


def _open(path: Path, stack: ExitStack) -> BufferedReader:
    if path == _STDIN:
        raw: BinaryIO = sys.stdin.buffer
    else:
        raw = stack.enter_context(path.open("rb"))
    stream = raw if isinstance(raw, BufferedReader) else BufferedReader(cast("BufferedReader", raw))
    if stream.peek(2)[:2] == b"\x1f\x8b":  # gzip's magic number; a file's name may be wrong
        return BufferedReader(cast("BufferedReader", stack.enter_context(gzip.open(stream, "rb"))))
    return stream


class _Translation(RawIOBase):
    """A stream whose bytes are translated as they are read."""

    def __init__(self, stream: BufferedReader, translate: Callable[[bytes, bool], bytes]) -> None:
        self._stream = stream
        self._translate = translate
        self._left = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._ended:
            part = self._stream.read(_PART)
            self._ended = not part
            self._left = self._translate(part, self._ended)
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def _translated(stream: BufferedReader) -> BufferedReader:
    """Return a stream of UTF-8 with line feeds, even from a spreadsheet's UTF-16 or carriage returns."""
    head = stream.peek(_HEAD)[:_HEAD]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")

        def recode(part: bytes, final: bool) -> bytes:
            return decoder.decode(part, final).encode("utf-8", errors="replace")

        return _translated(BufferedReader(_Translation(stream, recode)))
    ends = _LINE_END.findall(head)
    if ends[:1] == [b"\r"] and 2 * ends.count(b"\r") >= len(ends):  # the line feeds are in its cells
        return BufferedReader(_Translation(stream, lambda part, _: part.replace(b"\r", b"\n")))
    return stream


def _format_of(head: bytes, name: str) -> ArchiveFormat:
    if b"\0" in head:
        raise ArchiveError(f"{name}:1: is a binary file. Use JSON lines or CSV, plain or gzipped.")
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip().splitlines() or [b""]
    if lines[0].startswith((b"{", b"[")):
        return ArchiveFormat.JSONL
    if lines[0].startswith(FASTTEXT.encode()):
        return ArchiveFormat.FASTTEXT
    if is_csv_header(decode(lines[0])):
        return ArchiveFormat.CSV
    # The first line is bad in either format; what the file is meant to be decides which remedy helps.
    meant = any(line.lstrip().startswith(b"{") for line in lines) or _JSON_NAME.search(name)
    return ArchiveFormat.JSONL if meant else ArchiveFormat.CSV


def _lines(stream: BufferedReader, name: str, strict: bool, report: ReadReport) -> Iterator[Line]:
    """Yield lines of limited length and note harmless problems; stop early in a damaged file."""
    number, all_utf8 = 0, True
    try:
        while data := stream.readline(LONGEST_LINE):
            number += 1
            whole = data.endswith(b"\n") or len(data) < LONGEST_LINE
            rest = b"" if whole else data
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(2**20)
            if all_utf8 and not is_utf8(data):
                all_utf8 = False
                report.notes.append(f"{name}:{number}: isn't UTF-8; such lines are read as Windows-1252.")
            yield Line(number, data.rstrip(b"\r\n") if whole else None)
    except (OSError, EOFError, zlib.error) as fault:
        if strict:
            raise _unreadable(name, number + 1, fault) from fault
        report.count_bad(BadRow(number + 1, f"cannot be read ({fault}); copy or fetch the file again"))


def _unreadable(name: str, line: int, fault: Exception) -> ArchiveError:
    reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
    return ArchiveError(f"{name}:{line}: cannot be read ({reason}). Check the path, or copy the file again.")
