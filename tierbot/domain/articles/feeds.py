"""Feeds as nouns, and lists of them: TOML tables or plain lines, every mistake with its file, line and remedy.

    [[feed]]                                    https://feeds.example/news.xml  Example News
    url = "https://feeds.example/news.xml"      # a comment
    name = "Example News"                       https://other.example/atom.xml

Pure; fetching is `edges/feeds/`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from tierbot.domain.articles.cleaning import clean
from tierbot.domain.articles.urls import canonical_url, clean_url, site_of
from tierbot.domain.nouns import Article, TierbotError

_MOST_FEEDS = 2_000
_NAME_CHARACTERS = 100
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=15), timedelta(days=1)


class FeedError(TierbotError):
    """A feed that cannot be read; the text says what is wrong and what to do."""


class FeedFileError(TierbotError):
    """A list of feeds that cannot be used; the text names file, line and remedy."""


@dataclass(frozen=True, slots=True)
class Feed:
    """An RSS or Atom feed: its http(s) address, and the name its articles' source goes by ("": its own title)."""

    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """What is kept of a feed between two polls, so as to ask politely.

    etag, last_modified: as the server sent them; `failures` in a row; `not_before`: no poll before this moment.
    """

    etag: str = ""
    last_modified: str = ""
    failures: int = 0
    not_before: datetime | None = None

    def failed(self, now: datetime, wait: timedelta | None = None) -> "FeedMemory":
        """Return the memory after one more failure: 15 minutes' pause, doubled each time, a day at most.

        `wait` is the pause that the server itself asked for.
        """
        pause = min(max(wait or timedelta(0), _FIRST_PAUSE * 2 ** min(self.failures, 10)), _LONGEST_PAUSE)
        return FeedMemory(self.etag, self.last_modified, self.failures + 1, now + pause)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, to be kept as JSON."""
        not_before = self.not_before and self.not_before.isoformat()
        return {
            "etag": self.etag,
            "last_modified": self.last_modified,
            "failures": self.failures,
            "not_before": not_before,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "FeedMemory":
        """Return what `as_dict` made."""
        not_before = data.get("not_before")
        return cls(
            etag=str(data.get("etag", "")),
            last_modified=str(data.get("last_modified", "")),
            failures=int(data.get("failures", 0)),
            not_before=datetime.fromisoformat(not_before) if not_before else None,
        )


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What one poll of one feed brought.

    articles: as the feed lists them, duplicates not folded. memory: to be kept for the next poll, in the same
    transaction as the articles. problem: None, or what is wrong and what to do. notes: what did no harm.
    unchanged: the server said that nothing is new, or it was too early to ask.
    """

    feed: Feed
    articles: tuple[Article, ...]
    memory: FeedMemory
    problem: str | None = None
    notes: tuple[str, ...] = ()
    unchanged: bool = False


class ListedBy(StrEnum):
    """Who keeps a feed on the list."""

    PEOPLE = "people"  # it was added, and stays until it is removed
    FILE = "file"  # it stands in the file of feeds, and goes when it goes there


@dataclass(frozen=True, slots=True)
class ListedFeed:
    """A feed that is polled, and how its last poll went.

    polled_at: None before the first poll. problem, notes: as in FeedResult. brought: articles that it was the
    first to bring, so far.
    """

    feed: Feed
    by: ListedBy
    memory: FeedMemory
    polled_at: datetime | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    brought: int = 0


def load_feeds(path: Path | None) -> tuple[Feed, ...]:
    """Read a list of feeds from a file; without a path it is empty.

    Raises FeedFileError if the file cannot be read or used.
    """
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise FeedFileError(f"{path}: cannot be read ({fault.strerror}). Give the path of a list of feeds.") from fault
    except UnicodeDecodeError as fault:
        raise FeedFileError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from fault
    return parse_feeds(text, str(path))


def starter_feeds() -> tuple[Feed, ...]:
    """Return the list that ships with tierbot: well-known public feeds across the default topics."""
    text = resources.files("tierbot.domain.articles").joinpath("starter_feeds.toml").read_text(encoding="utf-8")
    return parse_feeds(text, "starter_feeds.toml")


def parse_feeds(text: str, name: str) -> tuple[Feed, ...]:
    """Read a list of feeds; `name` is what errors call the file.

    TOML if it has a [[feed]] table, otherwise one address a line with an optional name behind it.
    Raises FeedFileError, naming file, line and remedy.
    """
    text = text.removeprefix("\ufeff")
    rows = (
        _toml_rows(text, name) if any(line.strip() == "[[feed]]" for line in text.splitlines()) else _plain_rows(text)
    )
    if not rows:
        raise FeedFileError(f"{name}:1: lists no feed. Write one address a line, such as https://example.com/feed.xml.")
    if len(rows) > _MOST_FEEDS:
        raise FeedFileError(f"{name}: lists {len(rows)} feeds; at most {_MOST_FEEDS} are supported. Remove some.")
    feeds: list[Feed] = []
    places: dict[str, int] = {}
    for line, raw_url, raw_name in rows:
        url = clean_url(raw_url)
        if not url:
            raise FeedFileError(
                f"{name}:{line}: {raw_url[:80]!r} is no http(s) address. Write it whole, such as https://example.com/feed.xml."
            )
        known = places.setdefault(canonical_url(url), line)
        if known != line:
            raise FeedFileError(f"{name}:{line}: {url} is listed already in line {known}. Remove one.")
        feeds.append(Feed(url, clean(raw_name, _NAME_CHARACTERS)))
    return tuple(feeds)


def source_of(feed: Feed, title: str = "") -> str:
    """Return the name that a feed's articles carry: the list's, else the feed's own title, else its site."""
    return feed.name or clean(title, _NAME_CHARACTERS) or site_of(feed.url)


def _plain_rows(text: str) -> list[tuple[int, str, str]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split(maxsplit=1)
        if words and not words[0].startswith("#"):
            rows.append((number, words[0], words[1] if len(words) > 1 else ""))
    return rows


def _toml_rows(text: str, name: str) -> list[tuple[int, str, str]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise FeedFileError(f"{name}: {fault}. Mend the TOML there.") from fault
    tables = table["feed"]
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[feed]]"]
    rows = []
    for index, row in enumerate(tables):
        line = lines[index] if index < len(lines) else 1
        unknown = sorted(row.keys() - {"url", "name"})
        if unknown:
            raise FeedFileError(f"{name}:{line}: a feed has no {unknown[0]!r}. It has url and name.")
        url, title = row.get("url"), row.get("name", "")
        if not isinstance(url, str) or not isinstance(title, str):
            raise FeedFileError(f'{name}:{line}: the feed has no url, or one that is no text. Add url = "https://…".')
        rows.append((line, url, title))
    return rows
