"""Convert a feed's bytes to articles: refuse hostile XML, repair broken XML, and recognize web pages."""

import html
import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from tierbot.adapters.feeds.decode import decode, to_xml
from tierbot.adapters.feeds.json_feed import Entry, entries_of, is_json, read_json_feed
from tierbot.domain.articles.dates import parse_date
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.feeds import Feed, FeedError, source_of
from tierbot.domain.articles.rows import ArchiveRow, row_of
from tierbot.domain.articles.urls import clean_url
from tierbot.domain.nouns import Article

log = logging.getLogger(__name__)

_MOST_TAGS = 60_000  # outside CDATA, in the entries used; feedparser needs up to 80 µs for each
_MOST_REFERENCES = 400_000  # "&lt;" and so on; 3 µs each
_DATES = ("published", "updated", "created")  # the first that is understood counts
_PAGE_HEAD = 200_000  # characters of a web page to search for a feed link

# Each of these stops at the next "<", at a limit, or at the end, so none takes quadratic time on hostile input.
_CDATA = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_ENTRY_END = re.compile(r"</(?:\w{1,20}:)?(?:item|entry)\s*>", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_FEED_ROOT = re.compile(r"<(?:\w{1,20}:)?(?:rss|feed|rdf)\b", re.IGNORECASE)
_WHOLE_ROOT = re.compile(r"<(\w{1,20}:)?(rss|feed|rdf)\b[^<>]{0,2000}\b(?:xmlns|version)[^<>]{0,2000}>", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^<>]{1,1000})>", re.IGNORECASE)
_EXTENSION = re.compile(
    r"</?(?!(?:dc|dcterms|content|media|feedburner|atom\w{0,9}|a10|rdf|rss)\b)\w{1,20}:[^<>]*>|</?(?:width|height)\b[^<>]*>",
    re.IGNORECASE,
)  # tags of places, licenses, chapters …
_FEED_TYPE = re.compile(r"application/(?:rss|atom)\+xml", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A feed's articles in its order, and notes on harmless problems."""

    articles: tuple[Article, ...]
    notes: tuple[str, ...]


def parse_feed(body: bytes, *, feed: Feed, url: str, content_type: str, entries: int, now: datetime) -> Parsed:
    """Return up to `entries` cleaned articles from a feed's bytes, received `now` (aware UTC).

    Relative links are resolved against `url`. Raises FeedError, with a remedy, for anything else: an empty answer, a web
    page, entity definitions, XML beyond repair.
    """
    text = decode(body, content_type)
    if not text.strip():
        raise FeedError("is empty (0 bytes of text). Remove the feed if it stays empty.")
    read = _read_json if is_json(text) else _read_xml
    listed, cut, notes = read(text, feed, url, entries, now)
    rows = [row_of(entry.fields, place, now, markup=entry.markup) for place, entry in enumerate(listed, 1)]
    articles = tuple(to_article(row, now) for row in rows if isinstance(row, ArchiveRow))
    if not listed:
        notes.append("has no entries at the moment")
    if len(articles) < len(listed):
        notes.append(f"{len(listed) - len(articles)} of {len(listed)} entries have neither title nor text")
    if cut:
        notes.append(f"has more than {len(listed)} entries; tierbot reads the first {len(listed)}")
    return Parsed(articles, tuple(notes))


def _read_json(text: str, feed: Feed, url: str, most: int, _: datetime) -> tuple[list[Entry], bool, list[str]]:
    """Return a JSON Feed's first entries, whether it has more, and notes."""
    title, items = read_json_feed(text)
    return list(entries_of(items[:most], source_of(feed, title), url)), len(items) > most, []


def _read_xml(text: str, feed: Feed, url: str, most: int, now: datetime) -> tuple[list[Entry], bool, list[str]]:
    """Return the first entries of RSS or Atom, whether it has more, and notes."""
    text, cut = _first_entries(to_xml(_without_page(text, url)), most)
    found = _feedparser(text, url)
    listed = found.get("entries", [])[:most]
    if not listed and (found.get("bozo") or not found.get("version")):
        raise FeedError(_why_not_a_feed(text, found))
    atom = str(found.get("version", "")).startswith("atom")
    source = source_of(feed, str(found.get("feed", {}).get("title", "")))
    broken = f"is broken XML, read as far as possible ({str(found.get('bozo_exception'))[:100]})"
    entries = [_entry(entry, source, now, atom=atom) for entry in listed]
    return entries, cut, [broken] if found.get("bozo") and listed else []


def _without_page(text: str, url: str) -> str:
    """Return the feed, even if a web page is wrapped around it. Raises FeedError, with a remedy, for a page without one."""
    head = text[:_PAGE_HEAD]
    page, root = _PAGE.search(head), _FEED_ROOT.search(head)
    if page is None or (root is not None and root.start() < page.start()):
        return text
    if whole := _WHOLE_ROOT.search(head):
        end = text.rfind(f"</{whole[1] or ''}{whole[2]}")
        return text[whole.start() : text.find(">", end) + 1 if end > 0 else None]
    for link in _LINK.finditer(head):
        href = _HREF.search(link[1])
        if _FEED_TYPE.search(link[1]) and href:
            address = clean_url(urljoin(url, html.unescape(next(filter(None, href.groups()), ""))))
            if address:
                raise FeedError(f"is a web page, not a feed. Its feed may be {address}; list that instead.")
    raise FeedError('is a web page, not a feed. Look for "RSS" or "Atom" on it and list that address instead.')


def _first_entries(text: str, most: int) -> tuple[str, bool]:
    """Remove all but the first entries, so that the parser doesn't spend time on the others."""
    ends = [end.end() for end in _ENTRY_END.finditer(text)]
    return (text[: ends[most - 1]] + text[ends[-1] :], True) if len(ends) > most else (text, False)


def _feedparser(text: str, url: str) -> Mapping[str, Any]:
    import feedparser  # type: ignore[import-untyped]  # noqa: PLC0415 - 60 ms, only where feeds are read

    quoted = _CDATA.findall(text)
    tags, references = (text.count(mark) - sum(part.count(mark) for part in quoted) for mark in "<&")
    if tags > _MOST_TAGS or references > _MOST_REFERENCES:
        raise FeedError(f"has {tags:,} tags and {references:,} escapes, too many for a feed of articles. Remove it.")
    # We clean the HTML later; feedparser would parse it twice.
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    for attempt in (text, _EXTENSION.sub(" ", text)):
        # Pass a stream, because feedparser would first try the bytes as a file name.
        stream = io.BytesIO(b'<?xml version="1.0" encoding="utf-8"?>\n' + attempt.encode("utf-8", errors="replace"))
        try:
            found: Mapping[str, Any] = feedparser.parse(
                stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
            )
        except MemoryError:
            raise
        except Exception:
            log.debug("feedparser failed on %s", url, exc_info=True)
            continue
        return found
    raise FeedError("is broken in a way that feedparser can't read. Tell its publisher.")


def _entry(entry: Mapping[str, Any], source: str, now: datetime, *, atom: bool) -> Entry:
    """Return an entry's fields, and which of them are HTML."""
    content: Mapping[str, Any] = next((part for part in entry.get("content", []) if part.get("value")), {})
    text = entry.get("summary_detail") or content
    stored = dict(entry.items())  # feedparser's own get warns of "updated"
    fields = {
        "id": entry.get("id", ""),
        "title": entry.get("title", ""),
        "text": entry.get("summary") or content.get("value", ""),
        "url": entry.get("feedburner_origlink") or entry.get("link") or entry.get("id", ""),
        # An aggregator names each entry's publisher.
        "source": (entry.get("source") or {}).get("title") or source,
        "published": next((date for name in _DATES if parse_date(date := stored.get(name), now)), ""),
        "image": _image(entry),
        "tags": [tag.get("term") for tag in entry.get("tags", [])],
    }
    return Entry(fields, {"title": _is_html(entry.get("title_detail"), atom=atom), "text": _is_html(text, atom=atom)})


def _is_html(detail: Mapping[str, Any] | None, *, atom: bool) -> bool | None:
    """Return whether a text is HTML: as Atom says, or as feedparser found for RSS; None if neither tells."""
    kind = (detail or {}).get("type")
    if kind in {"text/html", "application/xhtml+xml"}:
        return True
    return False if atom and kind == "text/plain" else None


def _image(entry: Mapping[str, Any]) -> str:
    parts = [*entry.get("media_content", []), *entry.get("enclosures", [])]
    pictures = [
        part.get("url") or part.get("href")
        for part in parts
        if part.get("medium") == "image" or str(part.get("type", "")).startswith("image/")
    ]
    thumbnails = [part.get("url") for part in entry.get("media_thumbnail", [])]
    return next(filter(None, thumbnails + pictures), "")


def _why_not_a_feed(text: str, found: Mapping[str, Any]) -> str:
    if _FEED_ROOT.search(text[:_PAGE_HEAD]) and found.get("bozo"):
        return f"is broken XML ({str(found.get('bozo_exception'))[:100]}). Tell its publisher."
    return "is not RSS, Atom or JSON Feed. Look for such an address on its site."
