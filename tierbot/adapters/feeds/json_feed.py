"""Read JSON Feed (jsonfeed.org, version 1.1) as entries of fields."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from tierbot.domain.articles.feeds import FeedError


@dataclass(frozen=True, slots=True)
class Entry:
    """A feed's entry. fields: under the names that `row_of` expects; markup: which of them are HTML (see `clean`)."""

    fields: Mapping[str, object]
    markup: Mapping[str, bool | None]


def is_json(text: str) -> bool:
    """Return whether a feed's text is JSON."""
    return text.lstrip()[:1] in {"{", "["}


def read_json_feed(text: str) -> tuple[str, list[Any]]:
    """Return a JSON Feed's title and its raw items. Raises FeedError, with a remedy, if it isn't one."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise FeedError(f"is broken JSON ({str(fault)[:100]}). Tell its publisher.") from fault
    version = found.get("version") if isinstance(found, dict) else None
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(version, str) or "jsonfeed.org/version/" not in version or not isinstance(items, list):
        raise FeedError("is JSON, but not JSON Feed. Look for an RSS, Atom or JSON Feed address on its site.")
    return _text(found.get("title")), items


def entries_of(items: list[Any], source: str, url: str) -> Iterator[Entry]:
    """Return the entries of raw items; their links may be relative to the feed's `url`."""
    for item in items:
        given = item if isinstance(item, dict) else {}
        address = _text(given.get("url")) or _text(given.get("external_url"))
        plain = _text(given.get("summary")) or _text(given.get("content_text"))
        yield Entry(
            {
                "id": _text(given.get("id")),
                "title": _text(given.get("title")),
                "text": plain or _text(given.get("content_html")),
                "url": urljoin(url, address) if address else "",
                "source": source,
                "published": _text(given.get("date_published")) or _text(given.get("date_modified")),
                "image": _text(given.get("image")) or _text(given.get("banner_image")),
                "tags": given.get("tags"),
            },
            {"title": False, "text": not plain},
        )


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
