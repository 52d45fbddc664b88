"""Whatever bytes come as a feed, the outcome is articles or a FeedError, and soon."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.feeds.conftest import rss
from tierbot.adapters.feeds.parse import Parsed, parse_feed
from tierbot.domain.articles.feeds import Feed, FeedError

NOW = datetime(2026, 7, 1, tzinfo=UTC)

PIECES = st.lists(
    st.sampled_from(
        ["<rss version='2.0'>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "</link>", "x", "&", "&nbsp;",
         "<![CDATA[", "]]>", "<!--", "-->", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>", "</entry>", "<pubDate>", "2018",
         "</pubDate>", "<category term='a'/>", "<enclosure/>", "<source>", "</source>", "<media:content/>", "\x00", "<b", "'", "\xff",
         "<?xml encoding='utf-16'?>", "<html>", "<!DOCTYPE rss>"]
    ),
    max_size=25,
).map(lambda parts: "".join(parts).encode("latin-1"))  # fmt: skip


def parse(body: bytes, kind: str = "text/xml") -> Parsed:
    return parse_feed(
        body, feed=Feed("https://e.com/feed"), url="https://e.com/feed", content_type=kind, entries=10, now=NOW
    )


@given(
    st.one_of(st.binary(max_size=200), PIECES),
    st.sampled_from(["text/xml", "text/xml; charset=utf-7", "; charset=hex"]),
)
def test_any_bytes_are_articles_or_a_feed_error(body: bytes, kind: str) -> None:
    try:
        parsed = parse(body, kind)
    except FeedError:
        return
    assert all(article.title for article in parsed.articles)
    assert len(parsed.articles) <= 10


@pytest.mark.parametrize(
    "piece",
    ["<!DOCTYPE ", "<![CDATA[", "<!--", "<item>", "<a ", "<link ", "&", "</item>", "<?xml ", "<title>", "<a b='", "]]>", "</x:item"],
)  # fmt: skip
def test_hostile_repetition_costs_no_more_than_its_length(piece: str) -> None:
    began = time.thread_time()
    for head in ("", "<rss version='2.0'><channel>"):
        try:
            parse((head + piece * (1_000_000 // len(piece))).encode())
        except FeedError:
            continue
    assert time.thread_time() - began < 15  # a quadratic step would take hours


def test_entries_after_the_cap_are_taken_out_before_parsing() -> None:
    many = rss(*[f"<title>Story {n}</title>" for n in range(30_000)]).encode()
    began = time.thread_time()
    parsed = parse(many)
    assert [article.title for article in parsed.articles] == [f"Story {n}" for n in range(10)]
    assert time.thread_time() - began < 1  # parsing all takes several seconds


def test_an_image_is_taken_from_wherever_feeds_put_it() -> None:
    media = "xmlns:media='http://search.yahoo.com/mrss/'"
    items = [
        f"<title>a</title><media:thumbnail {media} url='https://e.com/1.png'/>",
        f"<title>b</title><media:content {media} medium='image' url='https://e.com/2.png'/>",
        "<title>c</title><enclosure type='image/png' url='https://e.com/3.png'/>",
        "<title>d</title><enclosure type='audio/mpeg' url='https://e.com/4.mp3'/>",
    ]
    images = [article.image_url for article in parse(rss(*items).encode()).articles]
    assert images == ["https://e.com/1.png", "https://e.com/2.png", "https://e.com/3.png", None]
