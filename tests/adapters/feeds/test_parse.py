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


# --- what a format means --------------------------------------------------------------------------


def titles(body: str, kind: str = "text/xml") -> list[str]:
    return [article.title for article in parse(body.encode(), kind).articles]


def test_rss_titles_that_speak_of_tags_keep_them() -> None:
    found = titles(
        rss(
            "<title><![CDATA[On The <dl>]]></title><link>https://e.com/1</link>",
            "<title>Without &lt;blink&gt;</title><link>https://e.com/2</link>",
            "<title>How the &amp;lt;template&amp;gt; element works</title><link>https://e.com/3</link>",
            "<title>&lt;b&gt;Bold&lt;/b&gt; words</title><link>https://e.com/4</link>",
        )
    )
    assert found == ["On The <dl>", "Without <blink>", "How the <template> element works", "Bold words"]


@pytest.mark.parametrize(
    ("kind", "title"),
    [("text", "Use <b>bold</b> & more"), ("html", "Use bold & more"), ("xhtml", "Use bold & more")],
)
def test_atom_says_itself_what_is_markup(kind: str, title: str) -> None:
    plain = "Use &lt;b&gt;bold&lt;/b&gt; &amp; more" if kind == "text" else "Use &lt;b&gt;bold&lt;/b&gt; &amp;amp; more"
    if kind == "xhtml":
        plain = '<div xmlns="http://www.w3.org/1999/xhtml">Use <b>bold</b> &amp; more</div>'
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>1</id><title type="{kind}">{plain}</title>
      <link href="https://e.com/1"/><updated>2018-03-06T10:00:00Z</updated></entry></feed>"""
    assert titles(atom) == [title]


JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "Harbor Notes", "items": [
  {"id": "2", "title": "Ferries &amp; <b>", "content_text": "Hourly.", "url": "https://e.com/2", "tags": ["sea"],
   "date_published": "2026-06-02T10:00:00Z", "image": "https://e.com/i.jpg"},
  {"id": 1, "content_html": "<p>A <b>new crane</b> &amp; more.</p>", "external_url": "https://e.com/1"}, 7, {}]}"""


def test_json_feed_is_read_like_the_others() -> None:
    parsed = parse(JSON_FEED.encode(), "application/feed+json")
    two, one = parsed.articles
    assert (two.title, two.text, two.url, two.source) == (
        "Ferries &amp; <b>",
        "Hourly.",
        "https://e.com/2",
        "Harbor Notes",
    )
    assert two.published_at == datetime(2026, 6, 2, 10, tzinfo=UTC)
    assert two.image_url == "https://e.com/i.jpg"
    assert (one.title, one.url) == ("A new crane & more.", "https://e.com/1")
    assert parsed.notes == ("2 of 4 entries have neither title nor text",)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"version": "https://jsonfeed.org/version/1.1", "items": [', "is broken JSON"),
        ("[" * 100_000, "is broken JSON"),
        ("[]", "is JSON, but not JSON Feed"),
        ('{"version": 1, "items": []}', "is JSON, but not JSON Feed"),
        ('{"version": "https://jsonfeed.org/version/1", "items": {}}', "is JSON, but not JSON Feed"),
    ],
)
def test_other_json_is_refused_in_words(body: str, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        parse(body.encode())


def test_a_feed_that_a_web_page_is_wrapped_around_is_found() -> None:
    atom = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A story</title><link href="https://e.com/1"/></entry></feed>'
    assert titles(f"<!DOCTYPE html><html><body>{atom}</body></html>", "text/html") == ["A story"]


@pytest.mark.parametrize(
    "extension",
    [
        '<gml:posList xmlns:gml="http://www.opengis.net/gml">1 2</gml:posList>',
        '<psc:chapters xmlns:psc="http://podlove.org/simple-chapters"><psc:chapter title="a"/></psc:chapters>',
        "</height>",
    ],
)
def test_an_extension_that_feedparser_stumbles_over_costs_no_entry(extension: str) -> None:
    for body in (
        rss("<title>One</title>", f"<title>Two</title>{extension}"),
        rss("<title>One</title>").replace("<item>", extension + "<item>"),
    ):
        assert titles(body)[0] == "One"


def test_what_feedparser_cannot_read_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise KeyError("links")

    monkeypatch.setattr("feedparser.parse", stumble)
    with pytest.raises(FeedError, match="is broken in a way that feedparser can't read"):
        parse(rss("<title>One</title>").encode())


def test_an_unclosed_element_swallows_nothing() -> None:
    found = parse(rss("<title>One</title><description>&lt;script&gt; x &lt;p&gt;and the rest</description>").encode())
    assert found.articles[0].text == "x and the rest"
