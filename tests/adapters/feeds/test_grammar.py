"""Feeds made by a grammar, in every format, encoding and way to write a date: what was written is what is read."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tierbot.adapters.feeds.parse import Parsed, parse_feed
from tierbot.domain.articles.cleaning import TITLE_CHARACTERS, clean
from tierbot.domain.articles.dates import parse_date
from tierbot.domain.articles.feeds import Feed, FeedError

NOW = datetime(2027, 1, 1, tzinfo=UTC)
ADDRESS = "https://e.com/feed"
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
RUSSIAN = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
WORDS = ["Ferry", "R&D", "AT&T;", "a < b", "5 > 3", "Vec<T>", "naïve", "日本語の記事", "Новости", "😀", '"quoted"', "it’s", "C++", "&c.", "½", "e\u0301",
         "]]>", "--", "100%", "#1", "ﬁ", "<3", "{x}", "\u202eabc", "مرحبا"]  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A story as its publisher wrote it."""

    title: str
    date: str
    moment: datetime


def spelled(moment: datetime) -> st.SearchStrategy[str]:
    """Choose a way to write a moment."""
    offset = moment.strftime("%z")
    clock = f"{moment:%H:%M:%S}"
    return st.sampled_from(
        [
            format_datetime(moment),
            moment.isoformat(),
            f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}",
            f"{moment:%a, %d %b %Y} {clock} GMT{offset[:3]}:{offset[3:]}",
            f"{moment:%a, %d %b %Y} {clock} {offset} (Somewhere)",
            f"{moment:%a %b %d} {clock} UTC{offset} {moment:%Y}",
            f"Thurs, {moment:%d %b %Y} {clock} {offset}",
            f"{moment.day}. {GERMAN[moment.month - 1]} {moment.year} {clock} {offset}",
            f"Пт, {moment.day} {RUSSIAN[moment.month - 1]} {moment.year} {clock} {offset}",
            f"{moment:%B} {moment.day}, {moment.year} {moment:%I:%M:%S %p} {offset}",
            str(int(moment.timestamp())),
        ]
    )


MOMENTS = st.builds(
    lambda moment, quarters: moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=15 * quarters))),
    st.datetimes(datetime(1995, 1, 1), datetime(2026, 12, 1)),
    st.integers(-44, 52),
)
TITLES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
ITEMS = st.lists(
    MOMENTS.flatmap(lambda moment: st.builds(Item, TITLES, spelled(moment), st.just(moment))), min_size=1, max_size=4
)


def rss(items: list[Item], *, cdata: bool = False) -> str:
    """Write RSS 2.0: titles are text, escaped or quoted."""

    def quoted(text: str) -> str:
        return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>" if cdata else escape(text)

    listed = "".join(
        f"<item><guid>{n}</guid><title>{quoted(item.title)}</title><pubDate>{escape(item.date)}</pubDate></item>"
        for n, item in enumerate(items)
    )
    return f'<rss version="2.0"><channel><title>T</title>{listed}</channel></rss>'


def rdf(items: list[Item]) -> str:
    """Write RSS 1.0, with Dublin Core's dates."""
    listed = "".join(
        f'<item rdf:about="https://e.com/{n}"><title>{escape(item.title)}</title><dc:date>{item.date}</dc:date></item>'
        for n, item in enumerate(items)
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>T</title></channel>{listed}</rdf:RDF>'
    )


def atom(items: list[Item]) -> str:
    """Write Atom: titles are text."""
    listed = "".join(
        f"<entry><id>{n}</id><title>{escape(item.title)}</title><updated>{item.date}</updated></entry>"
        for n, item in enumerate(items)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>{listed}</feed>'


def encoded(text: str, encoding: str) -> bytes:
    """Declare an encoding and use it; a character that it doesn't have becomes a reference."""
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'.encode(encoding, errors="xmlcharrefreplace")


def parse(body: bytes) -> Parsed:
    return parse_feed(body, feed=Feed(ADDRESS), url=ADDRESS, content_type="application/xml", entries=100, now=NOW)


def plain(title: str) -> str:
    return clean(title, TITLE_CHARACTERS, markup=False)


@settings(max_examples=60, deadline=None)
@given(
    ITEMS,
    st.sampled_from([rss, rdf, atom, lambda items: rss(items, cdata=True)]),
    st.sampled_from(["utf-8", "utf-16", "windows-1252", "windows-1251", "shift_jis", "us-ascii"]),
)
def test_titles_and_dates_are_those_that_were_written(items, write, encoding):
    if write([]).count("cdata") or "CDATA" in write([Item("x", "", NOW)]):
        encoding = "utf-8"  # CDATA has no references
    articles = parse(encoded(write(items), encoding)).articles
    assert [one.title for one in articles] == [plain(item.title) for item in items]
    assert [one.published_at for one in articles] == [item.moment.astimezone(UTC) for item in items]


@settings(max_examples=25, deadline=None)
@given(ITEMS)
def test_json_feed_gives_what_was_written(items):
    listed = [{"id": str(n), "title": item.title, "date_published": item.date} for n, item in enumerate(items)]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": listed}
    articles = parse(json.dumps(feed).encode()).articles
    assert [one.title for one in articles] == [plain(item.title) for item in items]
    assert [one.published_at for one in articles] == [item.moment.astimezone(UTC) for item in items]


DAMAGE = [
    b"\xff",
    b"\xc3",
    b"\x00",
    b"\x1f",
    b"&#xD83D;",
    b"&#1114112;",
    b"&nosuch;",
    b"&",
    b"\xed\xa0\xbd",
    b"&#0;",
    b"&nbsp;",
]


@settings(max_examples=40, deadline=None)
@given(ITEMS, st.sampled_from(DAMAGE), st.integers(0, 3), st.sampled_from([rss, atom]))
@example([Item("Ferry", "", NOW)], b"&", 0, rss)
def test_damage_to_one_title_leaves_the_others_alone(items, damage, place, write):
    place %= len(items)
    body = write(items).encode().split(b"<title>")
    body[place + 2] = damage + b" " + body[place + 2]
    titles = [one.title for one in parse(b"<title>".join(body)).articles]
    expected = [plain(item.title) for item in items]
    assert titles[:place] + titles[place + 1 :] == expected[:place] + expected[place + 1 :]
    assert titles[place].endswith(expected[place])


@settings(max_examples=40, deadline=None)
@given(ITEMS, st.integers(0, 3), st.integers(1, 40), st.sampled_from([rss, atom]))
def test_a_feed_that_breaks_off_keeps_what_came_before(items, place, more, write):
    place %= len(items)
    body = write(items).encode()
    end = b"</item>" if write is rss else b"</entry>"
    at = -1
    for _ in range(place + 1):
        at = body.index(end, at + 1)
    titles = [one.title for one in parse(body[: at + len(end) + more]).articles]
    assert titles[: place + 1] == [plain(item.title) for item in items[: place + 1]]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), ITEMS, st.integers(0, 400), st.sampled_from([rss, rdf, atom]))
def test_whatever_is_put_into_a_feed_it_is_articles_or_a_feed_error(junk, items, at, write):
    body = encoded(write(items), "utf-8")
    try:
        parsed = parse(body[:at] + junk + body[at:])
    except FeedError:
        return
    assert all(one.title for one in parsed.articles)


@pytest.mark.parametrize(
    "text", ["Thurs", "Пт, ", "GMT+", "24:00", "20240", "+00:0", "(", "[Europe/", "1º", "下午", " de "]
)
def test_pieces_of_dates_are_no_dates(text):
    assert parse_date(text, NOW) is None
