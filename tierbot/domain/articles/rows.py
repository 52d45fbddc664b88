"""Rows of archives: JSON lines and CSV from anywhere, understood under the many names their fields have.

Pure: the lines come from `edges/archives.py`, which opens files. A row that cannot be used becomes a `BadRow`
that says what to do; whether that stops the reading is the reader's choice, not the parser's.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tierbot.domain.articles.cleaning import clean, clean_text, clean_title
from tierbot.domain.articles.dates import parse_date
from tierbot.domain.articles.urls import clean_url
from tierbot.domain.nouns import TierbotError

LONGEST_LINE = 32 * 2**20  # bytes; a 10 MB title still comes through (cut), memory stays bounded
_MOST_TAGS = 50
_ID_CHARACTERS = 200
_TAG_CHARACTERS = 100
_SOURCE_CHARACTERS = 100
_RAW_TEXT = 200_000  # characters kept of any one field before cleaning

# The first name that has a value wins. Names are compared in lower case, without spaces, hyphens, underscores.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "guid", "uid", "uuid", "articleid", "storyid", "shortid", "itemid", "key"),
    "title": ("title", "headline", "subject", "heading", "name", "storytitle"),
    "text": (
        "text", "summary", "description", "shortdescription", "abstract", "excerpt", "lead", "content", "body",
        "articlebody", "snippet", "caption", "message", "transcript", "selftext",
    ),
    "url": ("url", "link", "href", "permalink", "weburl", "canonicalurl", "storyurl", "uri"),
    "source": ("source", "publisher", "site", "sitename", "outlet", "publication", "feed", "domain", "channel"),
    "published_at": (
        "publishedat", "published", "pubdate", "publishdate", "publicationdate", "datepublished", "date", "createdat",
        "created", "createdutc", "datetime", "timestamp", "time", "updatedat", "updated", "modified",
    ),
    "image_url": ("imageurl", "image", "thumbnail", "thumbnailurl", "img", "picture", "photo", "urltoimage", "media"),
    "tags": ("tags", "tag", "labels", "label", "categories", "category", "topics", "topic", "section", "class"),
}  # fmt: skip
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_NOT_IN_NAMES = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One usable row, cleaned: plain text within its caps, addresses http(s) or "", aware UTC or None.

    `line` counts from 1 (for CSV, the row's last line). `id` is the archive's own, "" if it has none; tags are
    the archive's own labels, in order, without repeats. Title or text is not empty.
    """

    line: int
    id: str
    title: str
    text: str
    url: str
    source: str
    published_at: datetime | None
    image_url: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: `why` is one sentence with its remedy."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it lay in the file, without its end; `data` is None where it was longer than LONGEST_LINE."""

    number: int
    data: bytes | None


class ArchiveError(TierbotError):
    """An archive that cannot be read; the text names file, line and remedy."""


class ArchiveFormat(StrEnum):
    """How an archive is written."""

    JSONL = "jsonl"
    CSV = "csv"


def parse_rows(lines: Iterable[Line], form: ArchiveFormat, name: str, now: datetime) -> Iterator[ArchiveRow | BadRow]:
    """Yield every row of an archive, usable or not, in order; blank lines are skipped.

    `name` is what errors call the archive; dates after `now` (aware UTC) count as missing. Raises
    ArchiveError if no row at all could be understood: CSV without a header that names title or text.
    """
    return _parse_jsonl(lines, now) if form is ArchiveFormat.JSONL else _parse_csv(lines, name, now)


def is_label_field(name: str) -> bool:
    """Tell whether a field of this name is read as an archive's labels."""
    return _FIELD_OF.get(_NOT_IN_NAMES.sub("", name[:100]).lower()) == "tags"


def row_of(fields: Mapping[str, object], line: int, now: datetime) -> ArchiveRow | BadRow:
    """Make a row of one record, whatever its fields are called (`headline`, `link`, `pubDate`, `category` …)."""
    found: dict[str, tuple[int, object]] = {}
    for raw_name, value in fields.items():
        name = _NOT_IN_NAMES.sub("", str(raw_name)[:100]).lower()
        field = _FIELD_OF.get(name)
        if field is None or value in (None, "", []):
            continue
        rank = _NAMES[field].index(name)
        if field not in found or rank < found[field][0]:
            found[field] = (rank, value)
    values = {field: value for field, (_, value) in found.items()}
    for name in ("title", "text"):
        if isinstance(values.get(name), int | float):  # truth values, too
            return BadRow(
                line, f"has a number as its {name} ({str(values[name])[:40]}); write it in quotes if it is meant"
            )
    title = clean_title(_text(values.get("title")))
    text = clean_text(_text(values.get("text")))
    if not title and not text:
        return BadRow(line, "has neither title nor text; give it a field named title, text or the like")
    return ArchiveRow(
        line=line,
        id=clean(_text(values.get("id")), _ID_CHARACTERS),
        title=title,
        text=text,
        url=clean_url(_text(values.get("url"))),
        source=clean(_text(values.get("source")), _SOURCE_CHARACTERS),
        published_at=parse_date(_text_or_number(values.get("published_at")), now),
        image_url=clean_url(_text(values.get("image_url"))) or None,
        tags=_tags(values.get("tags")),
    )


# --- JSON lines -----------------------------------------------------------------------------------


def _parse_jsonl(lines: Iterable[Line], now: datetime) -> Iterator[ArchiveRow | BadRow]:
    for line in lines:
        if line.data is None:
            yield _too_long(line)
            continue
        text = decode(line.data, first=line.number == 1).strip()
        if text:
            yield _json_row(text, line.number, now)


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
        return BadRow(number, f'is JSON, but no object; write {{"title": …}} in place of {text[:40]}')
    return row_of(record, number, now)


# --- CSV ------------------------------------------------------------------------------------------


def _parse_csv(lines: Iterable[Line], name: str, now: datetime) -> Iterator[ArchiveRow | BadRow]:
    # The csv module's limit holds for the whole process; the default of 131,072 would refuse long articles.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    numbers = _Numbered(lines)
    first = next((text for text in numbers if text.strip()), None)
    if first is None:
        return
    delimiter = _delimiter(first)
    header = next(csv.reader([first], delimiter=delimiter))
    known = {_FIELD_OF.get(_NOT_IN_NAMES.sub("", column).lower()) for column in header}
    if not known & {"title", "text"}:
        raise ArchiveError(
            f"{name}:{numbers.last}: the first line names no title or text column ({first.strip()[:60]!r}). "
            "Begin the file with a header line such as id,title,text,url,published_at,tags."
        )
    reader = csv.reader(numbers, delimiter=delimiter, strict=True)
    while True:
        cells: list[str] | None = []
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            yield BadRow(numbers.last, f"is broken CSV ({fault}); close each quote and double those inside quotes")
        yield from (_too_long(line) for line in numbers.take_skipped())
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _csv_row(header, cells, numbers.last, now)


def _csv_row(header: Sequence[str], cells: Sequence[str], number: int, now: datetime) -> ArchiveRow | BadRow:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        return BadRow(
            number, f"has {len(cells)} columns where the header has {len(header)}; quote cells that hold a comma"
        )
    return row_of(dict(zip(header, cells, strict=False)), number, now)


class _Numbered:
    """Lines as text for the csv module, remembering where it is and which lines were too long to give it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._skipped: list[Line] = []
        self.last = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self.last = line.number
            if line.data is not None:
                return decode(line.data, first=line.number == 1).replace("\0", "") + "\n"
            self._skipped.append(line)
        raise StopIteration

    def take_skipped(self) -> list[Line]:
        skipped, self._skipped = self._skipped, []
        return skipped


def _delimiter(header: str) -> str:
    """Choose the delimiter under which most columns are known; a comma if none shows itself."""

    def known(delimiter: str) -> int:
        columns = next(csv.reader([header], delimiter=delimiter))
        return sum(_NOT_IN_NAMES.sub("", column).lower() in _FIELD_OF for column in columns)

    return max(",;\t|", key=known)


# --- values ---------------------------------------------------------------------------------------


def decode(data: bytes, *, first: bool = False) -> str:
    """Decode a line: UTF-8, otherwise Windows-1252 (which any bytes are); the first loses its byte order mark."""
    try:
        return data.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def is_utf8(data: bytes) -> bool:
    """Tell whether a line is UTF-8, so that a reader can note that it was not."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _too_long(line: Line) -> BadRow:
    return BadRow(line.number, f"is longer than {LONGEST_LINE // 2**20} MB; shorten or remove it")


def _text(value: object, depth: int = 3) -> str:
    """Return the text within a value: a string, a number, a list of texts, an object with a usual key."""
    if isinstance(value, str):
        return value[:_RAW_TEXT]
    if isinstance(value, bool) or value is None or depth == 0:
        return ""
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e300 else ""  # noqa: PLR2004 - Python refuses to print huge integers
    if isinstance(value, list):
        return " ".join(filter(None, (_text(part, depth - 1) for part in value[:200])))[:_RAW_TEXT]
    if isinstance(value, dict):
        usual = ("value", "text", "name", "title", "term", "label", "url", "href", "src", "#text", "$t")
        return next((text for key in usual if (text := _text(value.get(key), depth - 1))), "")
    return ""


def _text_or_number(value: object) -> object:
    return value if isinstance(value, int | float | datetime) else _text(value)


def _tags(value: object) -> tuple[str, ...]:
    """Return labels in order without repeats: a list, an object's names, or one string split at "|", ";" or ","."""
    if isinstance(value, str):
        text = value[:_RAW_TEXT].strip()
        if text[:1] + text[-1:] in {"[]", "{}"}:
            try:
                return _tags(json.loads(text))
            except (ValueError, RecursionError):
                text = text.strip("[]").replace("'", "")
        separator = next((mark for mark in "|;" if mark in text), ",")
        parts = text.split(separator)
    elif isinstance(value, dict) and all(isinstance(weight, int | float) for weight in value.values()):
        parts = list(map(str, value))  # label → weight, as our own exports have it
    else:
        parts = [_text(part) for part in value] if isinstance(value, list) else [_text(value)]
    cleaned = (clean(part, _TAG_CHARACTERS) for part in parts[: _MOST_TAGS * 2])
    return tuple(dict.fromkeys(filter(None, cleaned)))[:_MOST_TAGS]
