"""Convert a feed's bytes to articles: refuse hostile XML, repair broken XML, and recognize web pages."""

import codecs
import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.feeds import Feed, FeedError, source_of
from tierbot.domain.articles.rows import ArchiveRow, row_of
from tierbot.domain.articles.urls import clean_url
from tierbot.domain.nouns import Article

_MOST_TAGS = 60_000  # outside CDATA, in the entries used; feedparser needs up to 80 µs for each
_MOST_REFERENCES = 400_000  # "&lt;" and so on; 3 µs each
_PAGE_HEAD = 200_000  # characters of a web page to search for a feed link

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_LOOKS_LIKE_ASCII = ("iso-2022", "iso2022", "hz", "utf-7", "utf7")  # their bytes are valid UTF-8 with another meaning

# Each of these stops at the next "<", at a limit, or at the end, so none takes quadratic time on hostile input.
_DECLARATION = re.compile(r"^\s*<\?xml.{0,300}?\?>", re.DOTALL)
_ENTITY = re.compile(r"<!ENTITY|<!DOCTYPE[^<>\[]*\[", re.IGNORECASE)
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # in XML 1.0
_CDATA_OR_BARE = re.compile(
    r"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?!#?\w{1,32};)", re.DOTALL
)  # "R&D" where "R&amp;D" is meant
_ENTRY_END = re.compile(r"</(?:\w{1,20}:)?(?:item|entry)\s*>", re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_FEED_ROOT = re.compile(r"<(?:\w{1,20}:)?(?:rss|feed|rdf)\b", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^<>]{1,1000})>", re.IGNORECASE)
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
    text = decode_xml(body, content_type)
    if not text.strip():
        raise FeedError("is empty (0 bytes of text). tierbot will retry; remove the feed if it stays empty.")
    if _ENTITY.search(text):
        raise FeedError("defines its own entities (<!ENTITY), like an XML bomb that expands to gigabytes. Remove it.")
    _refuse_page(text, url)
    text, cut = _first_entries(text, entries)
    found = _feedparser(text, url)
    listed = found.get("entries", [])[:entries]
    if not listed and (found.get("bozo") or not found.get("version")):
        raise FeedError(_why_not_a_feed(text, found))
    source = source_of(feed, str(found.get("feed", {}).get("title", "")))
    rows = [row_of(fields, place, now) for place, fields in enumerate((_fields(entry, source) for entry in listed), 1)]
    articles = tuple(to_article(row, now) for row in rows if isinstance(row, ArchiveRow))
    return Parsed(articles, tuple(_notes(found, listed=len(listed), used=len(articles), cut=cut)))


def decode_xml(body: bytes, content_type: str) -> str:
    """Decode a feed by its byte order mark, or as UTF-8, as its header or declaration says, or as Windows-1252.

    The declared encoding comes after UTF-8 because it is often wrong, and text in another encoding is hardly ever valid
    UTF-8.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    header, declared = _CHARSET.search(content_type), _DECLARED.match(body)
    claimed = [header[1]] if header else []
    claimed += [declared[1].decode("ascii", errors="replace")] if declared else []
    special = [name for name in claimed if name.lower().startswith(_LOOKS_LIKE_ASCII)]
    for encoding in (*special, "utf-8", *claimed):
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
    return body.decode("cp1252", errors="replace")


def _refuse_page(text: str, url: str) -> None:
    head = text[:_PAGE_HEAD]
    page, root = _PAGE.search(head), _FEED_ROOT.search(head)
    if page is None or (root is not None and root.start() < page.start()):
        return
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

    clean = _ILLEGAL.sub(" ", _DECLARATION.sub("", text, count=1)).lstrip()
    clean = _CDATA_OR_BARE.sub(lambda found: found[1] or "&amp;", clean)
    quoted = [found[1] for found in _CDATA_OR_BARE.finditer(clean)]
    tags, references = (clean.count(mark) - sum(part.count(mark) for part in quoted) for mark in "<&")
    if tags > _MOST_TAGS or references > _MOST_REFERENCES:
        raise FeedError(f"has {tags:,} tags and {references:,} escapes, too many for a feed of articles. Remove it.")
    # Pass a stream, because feedparser would first try the bytes as a file name.
    stream = io.BytesIO(b'<?xml version="1.0" encoding="utf-8"?>\n' + clean.encode("utf-8", errors="replace"))
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    # We clean the HTML later; feedparser would parse it twice.
    found: Mapping[str, Any] = feedparser.parse(
        stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    return found


def _fields(entry: Mapping[str, Any], source: str) -> dict[str, object]:
    """Return an entry's fields under the names that `row_of` expects."""
    content = next((part.get("value") for part in entry.get("content", []) if part.get("value")), "")
    return {
        "id": entry.get("id", ""),
        "title": entry.get("title", ""),
        "text": entry.get("summary") or content,
        "url": entry.get("feedburner_origlink") or entry.get("link") or entry.get("id", ""),
        # An aggregator names each entry's publisher.
        "source": (entry.get("source") or {}).get("title") or source,
        "published": entry.get("published") or entry.get("updated") or "",
        "image": _image(entry),
        "tags": [tag.get("term") for tag in entry.get("tags", [])],
    }


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
    if text.lstrip().startswith(("{", "[")):
        return "is JSON, not RSS or Atom. Look for an RSS or Atom address on its site."
    if _FEED_ROOT.search(text[:_PAGE_HEAD]) and found.get("bozo"):
        return f"is broken XML ({str(found.get('bozo_exception'))[:100]}). Tell its publisher; tierbot will retry."
    return "is neither RSS nor Atom. Look for an RSS or Atom address on its site."


def _notes(found: Mapping[str, Any], *, listed: int, used: int, cut: bool) -> Iterator[str]:
    if not listed:
        yield "has no entries at the moment"
    if used < listed:
        yield f"{listed - used} of {listed} entries have neither title nor text"
    if cut:
        yield f"has more than {listed} entries; tierbot reads the first {listed}"
    if found.get("bozo") and listed:
        yield f"is broken XML, read as far as possible ({str(found.get('bozo_exception'))[:100]})"
