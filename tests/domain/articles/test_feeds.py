"""Lists of feeds, and what is remembered of a feed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.files.configuration import load_feeds
from tierbot.domain.articles.feeds import (
    Feed,
    FeedFileError,
    FeedMemory,
    parse_feeds,
    source_of,
    starter_feeds,
    to_opml,
)
from tierbot.domain.articles.logins import Login

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_a_list_is_plain_lines_with_optional_names_and_comments() -> None:
    text = "\ufeff# ours\n\nhttps://a.com/feed  A <b>Name</b>\r\n  HTTP://B.com/rss\n"
    assert parse_feeds(text, "f") == (Feed("https://a.com/feed", "A Name"), Feed("http://b.com/rss"))


def test_a_list_is_toml_where_it_has_a_feed_table() -> None:
    text = '[[feed]]\nurl = "https://a.com/feed"\nname = "A"\n[[feed]]\nurl = "https://b.com/"\n'
    assert parse_feeds(text, "f") == (Feed("https://a.com/feed", "A"), Feed("https://b.com/"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"f\.txt:1: no feeds\. Write one URL per line"),
        ("# nothing\n", r"f\.txt:1: no feeds"),
        ("https://a.com/x\nnot an address", r"f\.txt:2: 'not' isn't an http\(s\) URL\. Write a full URL"),
        ("ftp://a.com/x", r"f\.txt:1: 'ftp://a\.com/x' isn't an http"),
        (
            "https://a.com/x\n\nhttp://www.a.com/x/",
            r"f\.txt:3: http://www\.a\.com/x/ is already listed in line 1\. Remove one of them",
        ),
        ("[[feed]]\nurl = 'https://a.com'\n\n[[feed]]\nname = 'x'", r"f\.txt:4: the feed needs url"),
        ("[[feed]]\nurl = 7", r"f\.txt:1: the feed needs url, and name if given, as text"),
        ("[[feed]]\nurl = 'https://a.com'\nlink = 'x'", r"f\.txt:1: unknown key 'link'\. A feed has url and name"),
        ("[[feed]]\nurl = ", r"f\.txt: .*Fix the TOML"),
        ("\n".join(f"https://a.com/{n}" for n in range(2001)), r"2001 feeds\. Use no more than 2000"),
    ],
)
def test_a_mistake_in_a_list_is_named_with_line_and_remedy(text: str, says: str) -> None:
    with pytest.raises(FeedFileError, match=says):
        parse_feeds(text, "f.txt")


def test_the_starter_list_is_long_named_and_encrypted() -> None:
    feeds = starter_feeds()
    assert len(feeds) >= 25
    assert len({urlsplit(feed.url).hostname for feed in feeds}) >= 20
    assert all(feed.name and feed.url.startswith("https://") for feed in feeds)


def test_articles_go_by_the_listed_name_then_the_feeds_title_then_its_site() -> None:
    feed = Feed("https://www.a.com/feed")
    assert source_of(Feed(feed.url, "Name"), "Title") == "Name"
    assert source_of(feed, " <b>Title</b> ") == "Title"
    assert source_of(feed) == "a.com"


@given(
    st.builds(
        FeedMemory,
        st.text(),
        st.text(),
        st.integers(0, 50),
        st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_what_is_remembered_survives_being_stored(memory: FeedMemory) -> None:
    assert FeedMemory.from_dict(memory.as_dict()) == memory


@given(st.integers(0, 1000), st.none() | st.timedeltas())
def test_a_pause_is_never_under_a_quarter_of_an_hour_nor_over_a_day(failures: int, wait: timedelta | None) -> None:
    after = FeedMemory(failures=failures).failed(NOW, wait)
    assert after.not_before is not None
    assert timedelta(minutes=15) <= after.not_before - NOW <= timedelta(days=1)
    assert after.failures == failures + 1


def test_a_list_is_read_from_a_file_and_without_one_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text("https://e.com/feed.xml Example News\n", encoding="utf-8")
    assert load_feeds(path) == (Feed("https://e.com/feed.xml", "Example News"),)
    assert load_feeds(None) == ()
    with pytest.raises(FeedFileError, match=r"nowhere\.txt: cannot be read \(No such file"):
        load_feeds(tmp_path / "nowhere.txt")
    path.write_bytes(b"\xff\xfeh")
    with pytest.raises(FeedFileError, match="is not UTF-8 text"):
        load_feeds(path)


OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>My subscriptions</title></head><body>
<outline text="Tech"><outline type="rss" text="Example News" xmlUrl="https://feeds.example/news.xml" htmlUrl="https://n.example/"/></outline>
<outline type="rss" text="Other &amp; more" title="Other" xmlUrl="https://other.example/atom.xml"/></body></opml>"""


@pytest.mark.parametrize("text", [OPML, "\ufeff" + OPML, OPML.replace("xmlUrl", "xmlURL")])
def test_opml_is_read_with_its_folders(text: str) -> None:
    assert parse_feeds(text, "subs.opml") == (
        Feed("https://feeds.example/news.xml", "Example News"),
        Feed("https://other.example/atom.xml", "Other"),
    )


def test_opml_that_is_written_is_read_back_as_it_was() -> None:
    feeds = (
        Feed("https://a.example/feed?a=1&b=2", 'Ann\'s "A" & <B> – 日本'),
        Feed("https://b.example/feed"),
        *starter_feeds(),
    )
    text = to_opml(feeds, NOW)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">')
    assert "<dateCreated>Wed, 01 Jul 2026 00:00:00 GMT</dateCreated>" in text
    assert parse_feeds(text, "subs.opml") == feeds


@given(st.lists(st.text(), max_size=5))
def test_any_name_survives_opml(names: list[str]) -> None:
    listed = "\n".join(f"https://a.example/{n} {name}" for n, name in enumerate(names) if len(name.splitlines()) == 1)
    if listed:
        feeds = parse_feeds(listed, "f")
        assert parse_feeds(to_opml(feeds, NOW), "f") == feeds


@pytest.mark.parametrize(
    ("address", "login"),
    [
        ("https://ann:safe@a.example/feed", Login("ann", "safe")),
        ("https://ann%40x:p%3A%2F%40%20@a.example/feed", Login("ann@x", "p:/@ ")),
        ("https://ann@x:safe@a.example/feed", Login("ann@x", "safe")),
        ("https://token@a.example/feed", Login("token", "")),
        ("https://a.example/feed", None),
        ("https://a.example/feed?mail=ann:safe@b.example", None),
    ],
)
def test_a_login_in_an_address_is_taken_out(address: str, login: Login | None) -> None:
    (feed,) = parse_feeds(address, "f")
    assert feed.login == login
    assert feed.url == "https://a.example/feed" + ("?mail=ann:safe@b.example" if "?" in address else "")
    assert "safe" not in repr(feed).replace("ann:safe@b", "")
    assert "ann:" not in to_opml([feed], NOW).replace("ann:safe@b", "")


def test_no_login_is_in_an_error() -> None:
    with pytest.raises(FeedFileError, match=r"f:1: 'ftp://…@a\.example/feed' isn't an http"):
        parse_feeds("ftp://ann:safe@a.example/feed", "f")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<opml><body></body></opml>", "subs.opml:1: no feeds"),
        ("<opml>\n<body>", "subs.opml:2: isn't valid OPML"),
        ('<!DOCTYPE o [<!ENTITY a "b">]><opml/>', "subs.opml:1: defines entities"),
        ('<opml>\n<outline xmlUrl="ftp://x/"/></opml>', "subs.opml:2: 'ftp://x/' isn't an http"),
    ],
)
def test_wrong_opml_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(FeedFileError, match=says):
        parse_feeds(text, "subs.opml")


def test_a_feed_waits_as_long_as_a_pause_can_be_and_not_for_a_clock_that_was_set_back() -> None:
    memory = FeedMemory().failed(NOW)
    assert memory.waits(NOW)
    assert memory.waits(NOW - timedelta(hours=23))
    assert not memory.waits(NOW + timedelta(minutes=15))
    assert not memory.waits(NOW - timedelta(days=3))
