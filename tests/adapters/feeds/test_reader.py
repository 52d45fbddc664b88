"""Feeds over real HTTP: good ones give articles, and every broken kind says what to do and stops no other."""

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.feeds.conftest import BOMB, ITEM, NOW, FeedServer, Handler, in_process, poll, read, reader, rss
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.parse import Parsed, parse_feed
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.duplicates import fold
from tierbot.domain.articles.feeds import Feed, FeedMemory

# --- what is good ---------------------------------------------------------------------------------


def test_rss_gives_cleaned_articles_in_the_feeds_order(server: FeedServer) -> None:
    second = (
        "<title>&lt;b&gt;Caf&#233;&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt;opens</title><link>/rel?utm_source=rss</link>"
        "<description><![CDATA[<p>Lead.</p><img src='x'>]]></description><pubDate>Tue, 06 Mar 2018 09:30:00 EST</pubDate>"
        "<category>Food</category><enclosure type='image/jpeg' url='https://e.com/i.jpg'/>"
    )
    result = read(server.serve("/feed", rss(ITEM, second)))
    one, two = result.articles
    assert (one.title, one.text, one.url, one.source) == ("A story", "Words.", "https://e.com/1", "Example News")
    assert one.received_at == NOW
    assert (two.title, two.text, two.url) == ("Café opens", "Lead.", f"{server.url}/rel")
    assert two.published_at == datetime(2018, 3, 6, 14, 30, tzinfo=UTC)
    assert two.image_url == "https://e.com/i.jpg"
    assert result.problem is None
    assert result.notes == ()


def test_atom_is_read_like_rss(server: FeedServer) -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom Times</title><entry><id>urn:1</id>
      <title type="html">An &lt;i&gt;entry&lt;/i&gt;</title><link rel="alternate" href="https://e.com/a"/>
      <updated>2018-03-06T10:00:00Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Body
      <b>text</b></div></content></entry></feed>"""
    [article] = read(server.serve("/atom", atom)).articles
    assert (article.title, article.text, article.source) == ("An entry", "Body text", "Atom Times")
    assert article.url == "https://e.com/a"
    assert article.published_at == datetime(2018, 3, 6, 10, tzinfo=UTC)


def test_an_aggregators_entry_carries_its_publishers_name_and_a_listed_name_wins_over_the_title(
    server: FeedServer,
) -> None:
    entry = "<title>x</title><source url='https://p.example'>The Publisher</source>"
    url = server.serve("/feed", rss(entry, ITEM))
    assert [a.source for a in read(url).articles] == ["The Publisher", "Example News"]
    result = reader().read(Feed(url, "My name"), FeedMemory(), NOW)
    assert [a.source for a in result.articles] == ["The Publisher", "My name"]


def test_no_more_entries_are_read_than_the_cap(server: FeedServer) -> None:
    result = read(server.serve("/feed", rss(*[f"<title>Story {n}</title>" for n in range(50)])), entries=20)
    assert [a.title for a in result.articles] == [f"Story {n}" for n in range(20)]
    assert result.notes == ("has more than 20 entries; tierbot reads the first 20",)


def test_only_what_is_new_is_asked_for(server: FeedServer) -> None:
    def answer(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == '"v1"':
            handler.give(b"", status=304)
        else:
            handler.give(rss(ITEM).encode(), ETag='"v1"', Last_Modified="Tue, 06 Mar 2018 09:30:00 GMT")

    server.answers["/feed"] = answer
    first = read(server.url + "/feed")
    assert first.memory == FeedMemory('"v1"', "Tue, 06 Mar 2018 09:30:00 GMT")
    again = read(server.url + "/feed", first.memory)
    assert again.unchanged
    assert again.articles == ()
    assert again.memory == first.memory
    assert server.asked[1][1]["If-Modified-Since"] == "Tue, 06 Mar 2018 09:30:00 GMT"


def test_the_user_agent_says_who_asks_and_how_to_reach_them(server: FeedServer) -> None:
    url = server.serve("/feed", rss(ITEM))
    FeedReader(allow=LOOPBACK, parsing=in_process, contact="ops@example.com").read(Feed(url), FeedMemory(), NOW)
    assert server.asked[0][1]["User-Agent"].startswith("tierbot/")
    assert "ops@example.com" in server.asked[0][1]["User-Agent"]


def test_a_feed_that_moved_for_good_is_read_and_its_new_address_told(server: FeedServer) -> None:
    new = server.serve("/new", rss(ITEM))
    permanent, passing = server.redirect("/old", "/new", 301), server.redirect("/once", "/new", 302)
    assert read(permanent).notes == (f"has moved permanently; list {new} instead",)
    assert read(passing).notes == ()
    assert read(passing).articles


@pytest.mark.parametrize(
    ("encoding", "windows"),
    [
        ("gzip", [31]),
        ("deflate", [15]),
        ("deflate", [-15]),
        ("gzip", [31, 31]),
        ("identity", [31]),
        ("deflate", [31]),
        ("gzip", []),
        ("deflate", []),
        ("br", []),
        ("utf-8", []),
    ],
)
def test_compressed_feeds_are_unpacked_whatever_their_header_says(
    server: FeedServer, encoding: str, windows: list[int]
) -> None:
    data = rss(ITEM).encode()
    for window in windows:
        data = zlib.compress(data, wbits=window)
    assert read(server.serve("/feed", data, Content_Encoding=encoding)).articles


def test_compressed_feeds_in_several_parts_are_unpacked_whole(server: FeedServer) -> None:
    data = rss(ITEM).encode()
    parts = zlib.compress(data[:50], wbits=31) + zlib.compress(data[50:], wbits=31)
    assert read(server.serve("/feed.gz", parts + b"\0\0\0", kind="application/gzip")).articles


def test_a_feed_without_entries_is_no_fault(server: FeedServer) -> None:
    result = read(server.serve("/feed", rss()))
    assert result.articles == ()
    assert result.notes == ("has no entries at the moment",)


# --- encodings ------------------------------------------------------------------------------------

DECLARED = '<?xml version="1.0" encoding="{}"?><rss version="2.0"><channel><title>T</title><item><title>Café — €</title></item></channel></rss>'


@pytest.mark.parametrize(
    ("declared", "actual", "kind"),
    [
        ("utf-8", "utf-8", "text/xml"),
        ("utf-8", "cp1252", "text/xml; charset=utf-8"),
        ("iso-8859-1", "utf-8", "text/xml"),
        ("us-ascii", "utf-8", "text/xml; charset=us-ascii"),
        ("windows-1252", "cp1252", "text/xml"),
        ("utf-16", "utf-16", "text/xml"),
        ("utf-16", "utf-8", "text/xml"),
        ("utf-16", "utf-16-le", "text/xml"),
        ("utf-8", "utf-8-sig", "text/xml; charset=latin-1"),
        ("no-such-thing", "utf-8", "text/xml; charset=no-such-thing"),
        ("utf-32", "utf-32", "text/xml"),
    ],
)
def test_text_is_right_whatever_encoding_is_claimed(server: FeedServer, declared: str, actual: str, kind: str) -> None:
    url = server.serve("/feed", DECLARED.format(declared).encode(actual), kind=kind)
    assert read(url).articles[0].title == "Café — €"


def test_japanese_in_its_own_encoding_is_read(server: FeedServer) -> None:
    text = DECLARED.format("iso-2022-jp").replace("Café — €", "首相が演説")
    assert read(server.serve("/feed", text.encode("iso-2022-jp"))).articles[0].title == "首相が演説"


def test_bytes_in_no_encoding_at_all_still_give_the_entries(server: FeedServer) -> None:
    broken = rss(ITEM, "<title>\x00\x0b bad</title>").encode().replace(b"bad", b"b\xff\xfe\x81d")
    assert read(server.serve("/feed", broken)).articles[0].title == "A story"


# --- many at once ---------------------------------------------------------------------------------


def test_one_broken_feed_of_each_kind_stops_no_other_and_fifty_are_folded_in_time(server: FeedServer) -> None:
    for n in range(40):
        items = [
            f"<title>Story {m} from the paper called name{n}</title><link>https://e{n}.com/{m}</link>"
            for m in range(99)
        ]
        server.serve(f"/good{n}", rss("<title>The story that all papers carry today</title>" + f"<link>https://e{n}.com/x</link>", *items, title=f"Paper {n}"))  # fmt: skip
    server.serve("/html", "<html></html>")
    server.serve("/empty", b"")
    server.serve("/big", b"x" * (3 * 2**20))
    server.hang("/slow")
    server.redirect("/loop", "/loop")
    server.serve("/bomb", BOMB)
    server.serve("/json", "{}")
    server.serve("/gone", b"", status=410)
    server.serve("/packed", b"zzz", Content_Encoding="gzip")
    good = [Feed(f"{server.url}/good{n}") for n in range(40)]
    bad = [Feed(f"{server.url}/{name}") for name in "html empty big slow loop bomb json gone packed missing".split()]  # noqa: SIM905
    began = time.monotonic()
    results = poll(reader(seconds=6.0, size=2 * 2**20), [*bad, *good])
    folded = fold([article for result in results for article in result.articles], [])
    assert time.monotonic() - began < 60
    assert [result.feed for result in results] == [*bad, *good]
    assert all(result.problem and result.problem.startswith(result.feed.url + ": ") for result in results[:10])
    assert not any("retry" in str(result.problem) for result in results), "whoever polls says when"
    assert all(result.problem is None and len(result.articles) == 100 for result in results[10:])
    assert len(folded.new) == 40 * 99 + 1
    assert set(folded.copies.values()) == {39}
    assert len({copy.source for copy in folded.found}) == 39


def test_polling_the_same_feeds_again_adds_nothing(server: FeedServer) -> None:
    feeds = [Feed(server.serve(f"/{n}", rss(ITEM, title=f"Paper {n}"))) for n in range(3)]
    first = fold([a for r in poll(reader(), feeds) for a in r.articles], [])
    later = [a for r in poll(reader(), feeds, now=NOW + timedelta(hours=1)) for a in r.articles]
    again = fold(later, first.new)
    assert len(first.new) == 1
    assert again.new == ()
    assert {copy.id for copy in again.found} == {copy.id for copy in first.found}


def test_a_feed_that_fails_is_left_alone_longer_each_time_and_forgiven_at_once(server: FeedServer) -> None:
    feed = Feed(server.url + "/missing")
    memory, pauses, now = FeedMemory(etag='"v"'), [], NOW
    for _ in range(9):
        [result] = poll(reader(), [feed], {feed.url: memory}, now)
        memory = result.memory
        assert memory.not_before is not None
        pauses.append(memory.not_before - now)
        now = memory.not_before
    assert pauses[:3] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]
    assert pauses[-1] == timedelta(days=1)
    asked = len(server.asked)
    [waiting] = poll(reader(), [feed], {feed.url: memory}, now - timedelta(minutes=1))
    assert (waiting.unchanged, waiting.problem, len(server.asked)) == (True, None, asked)
    server.serve("/missing", rss(ITEM))
    [well] = poll(reader(), [feed], {feed.url: memory}, now)
    assert well.memory == FeedMemory()


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7200", timedelta(hours=2)),
        ("Wed, 01 Jul 2026 15:00:00 GMT", timedelta(hours=3)),
        ("999999999999", timedelta(days=1)),
        ("1", timedelta(minutes=15)),
        ("-5", timedelta(minutes=15)),
        ("soon", timedelta(minutes=15)),
        ("Wed, 01 Jul 2020 15:00:00 GMT", timedelta(minutes=15)),
    ],
)
def test_a_server_that_asks_to_wait_is_obeyed_within_reason(server: FeedServer, header: str, pause: timedelta) -> None:
    feed = Feed(server.serve("/x", b"", status=429, Retry_After=header))
    [result] = poll(reader(), [feed])
    assert result.memory.not_before == NOW + pause


def test_a_fault_of_our_own_in_one_feed_stops_no_other(server: FeedServer) -> None:
    def faulty(body: bytes, *, feed: Feed, **rest: object) -> Parsed:
        if feed.name == "bad":
            raise RuntimeError("boom")
        return parse_feed(body, feed=feed, **rest)  # type: ignore[arg-type]

    url = server.serve("/feed", rss(ITEM))
    read_by = FeedReader(allow=LOOPBACK, parsing=lambda: nullcontext(faulty))
    bad, good = poll(read_by, [Feed(url, "bad"), Feed(url, "good")])
    assert bad.problem == f"{url}: could not be read (RuntimeError: boom). Please report this."
    assert len(good.articles) == 1


def test_nothing_is_opened_for_an_empty_list() -> None:
    assert list(reader().poll([], {}, NOW)) == []


@pytest.fixture(autouse=True)
def no_thread_or_file_is_left_behind(tmp_path: Path) -> Iterator[None]:
    del tmp_path
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("feeds")]
