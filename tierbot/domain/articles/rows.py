"""Parses archives, JSON lines, CSV or fastText, under the many names that their fields have. A `BadRow` says what to do."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice, takewhile
from typing import Any, Literal

from tierbot.domain.articles.annotated import STUDIO_FLAT, Annotated, annotated
from tierbot.domain.articles.cleaning import TITLE_CHARACTERS, clean
from tierbot.domain.articles.dates import parse_date
from tierbot.domain.articles.label_values import FASTTEXT, LABEL_CHARACTERS, LabelError, labels_in, text_in, tidy
from tierbot.domain.articles.urls import clean_url
from tierbot.domain.nouns import TierbotError

LONGEST_LINE = 32 * 2**20  # bytes; bounds memory, and still accepts a 10 MB title (cut)
_ID_CHARACTERS = 200
_SOURCE_CHARACTERS = 100

# The first name with a value wins. Names are compared in lowercase, without spaces, hyphens and underscores.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "guid", "uid", "uuid", "articleid", "storyid", "shortid", "itemid", "key"),
    "title": ("title", "headline", "subject", "heading", "name", "storytitle"),
    "text": (
        "text", "summary", "description", "shortdescription", "abstract", "excerpt", "lead", "content", "body",
        "articlebody", "snippet", "caption", "message", "transcript", "selftext", "data",
    ),
    "url": ("url", "link", "href", "permalink", "weburl", "canonicalurl", "storyurl", "uri"),
    "source": ("source", "publisher", "site", "sitename", "outlet", "publication", "feed", "domain", "channel"),
    "published_at": (
        "publishedat", "published", "pubdate", "publishdate", "publicationdate", "datepublished", "date", "createdat",
        "created", "createdutc", "datetime", "timestamp", "time", "updatedat", "updated", "modified",
    ),
    "image_url": ("imageurl", "image", "thumbnail", "thumbnailurl", "img", "picture", "photo", "urltoimage", "media"),
    "tags": ("tags", "tag", "labels", "label", "categories", "category", "topics", "topic", "section", "class", "cats"),
}  # fmt: skip
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_MARKS = ",;\t|"  # what may separate columns
_SEPARATOR = re.compile(r"""\ufeff?"?sep=([,;|\t])"?""", re.IGNORECASE)
_CSV_REFUSES = {ord("\0"): None, ord("\r"): " "}
_SNIFFED = 1_000  # lines that show whether a tab-separated file quotes its cells
_NOT_IN_NAMES = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One usable row, cleaned: plain text of limited length, http(s) URLs or "", aware UTC or None."""

    line: int  # counts from 1 (for CSV, the row's last line)
    id: str  # the archive's own, or ""
    title: str
    text: str  # at least one of title and text is set
    url: str
    source: str
    published_at: datetime | None
    image_url: str | None
    tags: tuple[str, ...]  # the archive's own labels, in order, without repeats
    label: str = ""  # the labels as one text, if they were given that way: "Arts, Culture & Media" may be one
    task: str = ""  # shared by rows that are annotations of the same text, if each annotator has a row
    fault: str = ""  # why its labels can't be understood, as BadRow says it


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be used; `why` is a sentence that says how to fix it."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """One raw line of a file, without its line break; `data` is None if it is longer than LONGEST_LINE."""

    number: int
    data: bytes | None


class ArchiveError(TierbotError):
    """An archive that can't be read; the text names the file, the line and the fix."""


class ArchiveFormat(StrEnum):
    """The format of an archive."""

    JSONL = "jsonl"
    CSV = "csv"
    FASTTEXT = "fasttext"  # lines such as "__label__law New law for lakes"


def parse_rows(lines: Iterable[Line], form: ArchiveFormat, name: str, now: datetime) -> Iterator[ArchiveRow | BadRow]:
    """Yield every row of an archive, usable or not, in order; skip blank lines.

    Dates after `now` (aware UTC) count as missing. ArchiveError for CSV without a header that names title or text.
    """
    if form is ArchiveFormat.CSV:
        yield from _parse_csv(lines, name, now)
        return
    for line in lines:
        if line.data is None:
            yield _too_long(line)
        elif text := decode(line.data, first=line.number == 1).strip():
            yield (_json_row if form is ArchiveFormat.JSONL else _fasttext_row)(text, line.number, now)


def field_of(name: str) -> str | None:
    """Return which field of ArchiveRow a field of this name holds; None for any other name."""
    return _FIELD_OF.get(_plain_name(name))


def _plain_name(name: str) -> str:
    return _NOT_IN_NAMES.sub("", name[:100]).lower()


def row_of(
    fields: Mapping[str, Any], line: int, now: datetime, *, markup: Mapping[str, bool | None] | None = None
) -> ArchiveRow | BadRow:
    """Turn a record into a row, whatever its fields are called (`headline`, `link`, `pubDate`, `category` …).

    markup: whether "title" and "text" are HTML, if the format says (see `clean`).
    """
    markup = markup or {}
    try:
        given = annotated(fields, field_of)
    except LabelError as wrong:
        return BadRow(line, str(wrong))
    values = _values(given.fields if given else fields)
    tags, fault = _labels(values.get("tags"), given)
    for name in ("title", "text"):
        if isinstance(values.get(name), int | float):  # or a boolean
            return BadRow(line, f"has a number as its {name} ({str(values[name])[:40]}); if that's right, quote it")
    date = values.get("published_at")
    title = clean(text_in(values.get("title")), TITLE_CHARACTERS, markup=markup.get("title"))
    text = clean(text_in(values.get("text")), markup=markup.get("text"))
    if not title and not text:
        return BadRow(line, "has neither title nor text; add a field named title or text")
    return ArchiveRow(
        line=line,
        id=clean(text_in(values.get("id")), _ID_CHARACTERS),
        title=title,
        text=text,
        url=clean_url(text_in(values.get("url"))),
        source=clean(text_in(values.get("source")), _SOURCE_CHARACTERS),
        published_at=parse_date(date if isinstance(date, int | float | datetime) else text_in(date), now),
        image_url=clean_url(text_in(values.get("image_url"))) or None,
        tags=tags,
        label=clean(label, LABEL_CHARACTERS) if isinstance(label := values.get("tags"), str) else "",
        task=given.task if given else "",
        fault=fault,
    )


def _values(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields by the names that ArchiveRow has for them; of several, the one with the best name."""
    found: dict[str, tuple[int, object]] = {}
    for raw_name, value in fields.items():
        name = _plain_name(str(raw_name))
        field = _FIELD_OF.get(name)
        if field is None or value in (None, "", []):
            continue
        rank = _NAMES[field].index(name)
        if field not in found or rank < found[field][0]:
            found[field] = (rank, value)
    return {field: value for field, (_, value) in found.items()}


def _labels(value: object, given: Annotated | None) -> tuple[tuple[str, ...], str]:
    """Return a row's labels, and what is wrong with them if they can't be understood."""
    if given and given.labels is not None:
        return tidy(given.labels), ""
    try:
        return labels_in(value), ""
    except LabelError as fault:
        return (), str(fault)


def _json_row(text: str, number: int, now: datetime) -> ArchiveRow | BadRow:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as fault:
        return BadRow(number, f"is not valid JSON ({fault.msg}, column {fault.colno}); write one JSON object per line")
    except (ValueError, RecursionError) as fault:
        return BadRow(number, f"is JSON that cannot be read ({str(fault)[:80]}); write one flat JSON object per line")
    if isinstance(record, list):
        return BadRow(number, "is a JSON array, not an object; write its elements one per line (jq -c '.[]' FILE)")
    if not isinstance(record, dict):
        return BadRow(number, f'isn\'t a JSON object; write {{"title": …}} instead of {text[:40]}')
    return row_of(record, number, now)


def _fasttext_row(text: str, number: int, now: datetime) -> ArchiveRow | BadRow:
    words = text.split()
    labels = list(takewhile(lambda word: word.startswith(FASTTEXT), words))
    return row_of({"text": " ".join(words[len(labels) :]), "label": " ".join(labels)}, number, now)


def _parse_csv(lines: Iterable[Line], name: str, now: datetime) -> Iterator[ArchiveRow | BadRow]:
    # The csv module's limit is process-wide; the default of 131,072 would refuse long articles.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    numbers = _Numbered(lines)
    first = next((text for text in numbers if text.strip()), None)
    marks = _MARKS
    if first is not None and (told := _SEPARATOR.fullmatch(first.strip("\r\n"))):  # Excel's first line
        marks, first = told[1], next((text for text in numbers if text.strip()), None)
    if first is None:
        return
    delimiter, header = _csv_header(first, marks)
    if not _names_a_text(header):
        raise ArchiveError(
            f"{name}:{numbers.last}: the first line has no title or text column ({first.strip()[:60]!r}). "
            "Start the file with a header such as id,title,text,url,published_at,tags."
        )
    literal = delimiter == "\t" and not _is_quoted(numbers.peek(_SNIFFED), len(header))
    quoting: Literal[0, 3] = csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL
    reader = csv.reader(numbers, delimiter=delimiter, strict=True, quoting=quoting)
    while True:
        cells: list[str] | None = []
        numbers.first = 0
        try:
            cells = next(reader, None)
        except csv.Error as fault:  # an unclosed quote shows lines later, so the row's first line is named
            yield BadRow(numbers.first, f"is broken CSV ({fault}); close each quote and double those inside quotes")
        yield from (_too_long(line) for line in numbers.take_skipped())
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _csv_row(header, map(_unquoted, cells) if literal else cells, numbers.last, now)


def is_csv_header(line: str) -> bool:
    """Return whether a line starts a CSV file: a header with a column for titles or texts, or Excel's separator."""
    return bool(_SEPARATOR.fullmatch(line.strip("\r\n"))) or _names_a_text(_csv_header(line, _MARKS)[1])


def _csv_header(line: str, marks: str) -> tuple[str, list[str]]:
    """Return the delimiter and the columns of a header."""
    line = line.replace("\r", " ")
    headers = {mark: next(csv.reader([line], delimiter=mark), []) for mark in marks}
    return max(headers.items(), key=lambda one: sum(_plain_name(name) in _FIELD_OF for name in one[1]))


def _names_a_text(columns: Iterable[str]) -> bool:
    names = list(columns)  # in Label Studio's tables a text may go by any name
    return bool({"title", "text"} & set(map(field_of, names))) or set(names) >= STUDIO_FLAT


def _csv_row(header: Sequence[str], given: Iterable[str], number: int, now: datetime) -> ArchiveRow | BadRow:
    cells = list(given)
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        return BadRow(number, f"has {len(cells)} columns, but the header has {len(header)}; quote cells with commas")
    return row_of(dict(zip(header, cells, strict=False)), number, now)


def _is_quoted(lines: Sequence[str], columns: int) -> bool:
    """Return whether tab-separated lines quote cells as CSV does; otherwise a quote in them is a character like any other."""
    try:
        return all(len(cells) == columns for cells in csv.reader(lines, delimiter="\t", strict=True) if any(cells))
    except csv.Error:
        return False


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes around it, if it has two; any other quote is a character like any other."""
    inner = cell[1:-1].replace('""', "")
    whole = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner
    return cell[1:-1].replace('""', '"') if whole else cell


class _Numbered:
    """Feeds lines to the csv module; keeps track of the line number and of lines that are too long."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._skipped: list[Line] = []
        self.first = self.last = 0  # lines of the current row; `first` is 0 before it

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.last = line.number
            if line.data is not None:
                self.first = self.first or line.number
                return _csv_text(line)
            self._skipped.append(line)
        raise StopIteration

    def peek(self, most: int) -> list[str]:
        """Return up to `most` of the coming lines, without those that are too long, and leave them to be read."""
        coming = list(islice(self._lines, most))
        self._lines = chain(coming, self._lines)
        return [_csv_text(line) for line in coming if line.data is not None]

    def take_skipped(self) -> list[Line]:
        skipped, self._skipped = self._skipped, []
        return skipped


def _csv_text(line: Line) -> str:
    """Return a line as the csv module accepts it: it refuses NUL, and a carriage return outside quotes."""
    return decode(line.data or b"", first=line.number == 1).translate(_CSV_REFUSES) + "\n"


def decode(data: bytes, *, first: bool = False) -> str:
    """Decode a line as UTF-8, or else as Windows-1252; drop the byte order mark of the first line."""
    try:
        return data.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def is_utf8(data: bytes) -> bool:
    """Return whether a line is UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _too_long(line: Line) -> BadRow:
    return BadRow(line.number, f"is longer than {LONGEST_LINE // 2**20} MB; shorten or remove it")
