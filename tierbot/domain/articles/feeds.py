"""Defines feeds, reads lists of them (TOML tables, OPML or plain lines) and writes OPML. Errors name file, line and fix.

    [[feed]]                                    https://feeds.example/news.xml  Example News
    url = "https://feeds.example/news.xml"      # a comment
    name = "Example News"                       https://other.example/atom.xml

Pure; `adapters/feeds/` fetches them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from importlib import resources
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from tierbot.domain.articles.cleaning import clean
from tierbot.domain.articles.logins import Login, login_of, masked
from tierbot.domain.articles.urls import canonical_url, clean_url, site_of
from tierbot.domain.nouns import Article, TierbotError
from tierbot.domain.toml_text import parse_toml

_MOST_FEEDS = 2_000
_NAME_CHARACTERS = 100
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=15), timedelta(days=1)


class FeedError(TierbotError):
    """A feed that can't be read; the text says what is wrong and what to do."""


class FeedFileError(TierbotError):
    """An invalid list of feeds; the text names the file, the line and the fix."""


@dataclass(frozen=True, slots=True)
class Feed:
    """An RSS, Atom or JSON feed: its http(s) URL, and the source name for its articles ("": the feed's own title)."""

    url: str  # without the login
    name: str = ""
    login: Login | None = field(default=None, compare=False)  # from a list of feeds; never stored


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """What is stored about a feed between polls, to spare its server. etag, last_modified: from the server."""

    etag: str = ""
    last_modified: str = ""
    failures: int = 0  # in a row
    not_before: datetime | None = None  # the earliest time of the next poll
    costly: bool = False  # it took more processor time or memory than a feed may
    told: bool = False  # the admins know that

    def failed(self, now: datetime, wait: timedelta | None = None, *, costly: bool = False) -> "FeedMemory":
        """Return the memory after another failure: pause for 15 minutes, doubled each time, or `wait`, up to a day."""
        pause = min(max(wait or timedelta(0), _FIRST_PAUSE * 2 ** min(self.failures, 10)), _LONGEST_PAUSE)
        return replace(self, failures=self.failures + 1, not_before=now + pause, costly=costly)

    def waits(self, now: datetime) -> bool:
        """Return whether the feed must not be polled yet; a wait that is too long comes from a wrong clock and is ignored."""
        return self.not_before is not None and now < self.not_before <= now + _LONGEST_PAUSE

    def as_dict(self) -> dict[str, Any]:
        """Return the memory as plain data, for storage as JSON."""
        return {**asdict(self), "not_before": self.not_before and self.not_before.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FeedMemory":
        """Return the memory that `as_dict` was called on."""
        not_before = data.get("not_before")
        return cls(**{**data, "not_before": datetime.fromisoformat(not_before) if not_before else None})


@dataclass(frozen=True, slots=True)
class FeedResult:
    """The result of polling one feed."""

    feed: Feed
    articles: tuple[Article, ...]  # in feed order, duplicates not folded
    memory: FeedMemory  # to store for the next poll, in the same transaction as the articles
    problem: str | None = None  # what is wrong and what to do
    notes: tuple[str, ...] = ()  # minor problems
    unchanged: bool = False  # the server reported nothing new, or it was too early to poll


class ListedBy(StrEnum):
    """Where a feed on the list was added."""

    PEOPLE = "people"  # by a command; it stays until it is removed
    FILE = "file"  # in the feed file; it is removed when its line is


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """A feed that is polled, and the result of its last poll. problem, notes: as in FeedResult."""

    feed: Feed
    by: ListedBy
    memory: FeedMemory
    polled_at: datetime | None = None  # None before the first poll
    problem: str | None = None
    notes: tuple[str, ...] = ()
    brought: int = 0  # how many articles were first seen in this feed


def starter_feeds() -> tuple[Feed, ...]:
    """Return the list that ships with tierbot: well-known public feeds for the default topics."""
    text = resources.files("tierbot.domain.articles").joinpath("starter_feeds.toml").read_text(encoding="utf-8")
    return parse_feeds(text, "starter_feeds.toml")


def parse_feeds(text: str, name: str) -> tuple[Feed, ...]:
    """Read [[feed]] tables, OPML, or lines of a URL and perhaps a name, of the file `name`. Raises FeedFileError."""
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("<"):
        rows = _opml_rows(text, name)
    elif any(line.strip() == "[[feed]]" for line in text.splitlines()):
        rows = _toml_rows(text, name)
    else:
        rows = _plain_rows(text)
    if not rows:
        raise FeedFileError(f"{name}:1: no feeds. Write one URL per line, such as https://example.com/feed.xml.")
    if len(rows) > _MOST_FEEDS:
        raise FeedFileError(f"{name}: {len(rows)} feeds. Use no more than {_MOST_FEEDS}.")
    feeds: list[Feed] = []
    places: dict[str, int] = {}
    for line, raw_url, raw_name in rows:
        url = clean_url(raw_url)
        if not url:
            raise FeedFileError(
                f"{name}:{line}: {masked(raw_url)[:80]!r} isn't an http(s) URL. Write a full URL, such as https://example.com/feed.xml."
            )
        known = places.setdefault(canonical_url(url), line)
        if known != line:
            raise FeedFileError(f"{name}:{line}: {url} is already listed in line {known}. Remove one of them.")
        feeds.append(Feed(url, clean(raw_name, _NAME_CHARACTERS), login_of(raw_url)))
    return tuple(feeds)


def source_of(feed: Feed, title: str = "") -> str:
    """Return the source name for a feed's articles: the list's name, the feed's own title, or its site."""
    return feed.name or clean(title, _NAME_CHARACTERS) or site_of(feed.url)


def to_opml(feeds: Iterable[Feed], now: datetime) -> str:
    """Return a list of feeds as OPML 2.0, which `parse_feeds` and other readers import; without logins. now: aware UTC."""
    outlines = [
        f'    <outline type="rss" text={quoteattr(feed.name or feed.url)} xmlUrl={quoteattr(feed.url)}/>'
        for feed in feeds
    ]
    head = f"    <title>tierbot's feeds</title>\n    <dateCreated>{format_datetime(now, usegmt=True)}</dateCreated>"
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<opml version="2.0">',
            f"  <head>\n{head}\n  </head>",
            "  <body>",
            *outlines,
            "  </body>",
            "</opml>\n",
        ]
    )


def _plain_rows(text: str) -> list[tuple[int, str, str]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split(maxsplit=1)
        if words and not words[0].startswith("#"):
            rows.append((number, words[0], words[1] if len(words) > 1 else ""))
    return rows


def _opml_rows(text: str, name: str) -> list[tuple[int, str, str]]:
    """Return the outlines with an xmlUrl, in folders or not. Entities are refused: a list of feeds needs none."""
    rows: list[tuple[int, str, str]] = []
    parser = expat.ParserCreate()

    def begin(element: str, attributes: dict[str, str]) -> None:
        given = {key.lower(): value for key, value in attributes.items()}
        if element.lower() == "outline" and "xmlurl" in given:
            named = given.get("title") or given.get("text") or ""
            rows.append((parser.CurrentLineNumber, given["xmlurl"], "" if named == given["xmlurl"] else named))

    def refuse(*_: object) -> None:
        raise FeedFileError(f"{name}:{parser.CurrentLineNumber}: defines entities (<!ENTITY). Remove them.")

    parser.StartElementHandler = begin
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as fault:
        raise FeedFileError(
            f"{name}:{fault.lineno}: isn't valid OPML ({expat.ErrorString(fault.code)}). Export your subscriptions again."
        ) from fault
    return rows


def _toml_rows(text: str, name: str) -> list[tuple[int, str, str]]:
    tables = parse_toml(text, name, FeedFileError)["feed"]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[feed]]"]
    rows = []
    for index, row in enumerate(tables):
        line = lines[index] if index < len(lines) else 1
        unknown = sorted(row.keys() - {"url", "name"})
        if unknown:
            raise FeedFileError(f"{name}:{line}: unknown key {unknown[0]!r}. A feed has url and name.")
        url, title = row.get("url"), row.get("name", "")
        if not isinstance(url, str) or not isinstance(title, str):
            raise FeedFileError(
                f'{name}:{line}: the feed needs url, and name if given, as text. Add url = "https://…".'
            )
        rows.append((line, url, title))
    return rows
