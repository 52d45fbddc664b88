"""Hostile feeds in the child processes that parse them: each ends in words within its limits, and costs no other feed."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.adapters.feeds.conftest import ITEM, NOW, FeedServer, poll, rss
from tierbot.adapters.feeds import parsers, parsing_child
from tierbot.adapters.feeds.fetch import FeedLimits
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.parse import Parsed, parse_feed
from tierbot.adapters.feeds.parsers import CostlyFeedError, Parse, Parsers
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory

URL = "https://e.com/feed"
LOW = FeedLimits(processor=0.25, memory=48 * 2**20)
HEAD, END = "<rss version='2.0'><channel>", "</channel></rss>"
MANY = 40_000


def many(pattern: str) -> str:
    """Return a pattern many times, each with another number in the place of #."""
    return "".join(pattern.replace("#", str(number)) for number in range(MANY))


ATTRIBUTES = HEAD + "<item " + many(" a#='b'") + "><title>x</title></item>" + END
JSON = '{"version": "https://jsonfeed.org/version/1.1", "items": ['


def parse(with_parse: Parse, body: str, kind: str = "text/xml") -> Parsed:
    return with_parse(body.encode(), feed=Feed(URL), url=URL, content_type=kind, entries=100, now=NOW)


@pytest.fixture(scope="module")
def low() -> Iterator[Parse]:
    """Yield a parser with low limits, whose children serve the whole module."""
    with Parsers(LOW)() as parse:
        yield parse


def dated(date: str) -> str:
    return (
        HEAD + "".join(f"<item><title>Story {n}</title><pubDate>{date}{n}</pubDate></item>" for n in range(100)) + END
    )


def texted(text: str) -> str:
    return HEAD + f"<item><title>A story</title><description><![CDATA[{text}]]></description></item>" * 100 + END


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ATTRIBUTES, id="attributes"),
        pytest.param(HEAD + "<item " + many(" xmlns:a#='b#'") + "/>" + END, id="namespaces"),
        pytest.param(HEAD + "<item>" + many("<a#:b xmlns:a#='c'>"), id="nested namespaces"),
        pytest.param(f"{HEAD}<item><title>{'<a>' * MANY}x{'</a>' * MANY}</title></item>{END}", id="nesting"),
        pytest.param(JSON + "[" * MANY, id="nested JSON"),
        pytest.param(f'{JSON}{{"id": {"1" * MANY}}}]}}', id="digits"),
        pytest.param(f"<!DOCTYPE rss [<!ENTITY a '{'b' * 150}'>]>{HEAD}<item><title>{'&a;' * MANY}</title></item>{END}", id="entities"),
        pytest.param("<!DOCTYPE rss [" + many("<!ENTITY a# 'b'>") + "]>" + HEAD + END, id="entity names"),
        pytest.param(f"{HEAD}<item><{'a' * 1_000_000}>x</{'a' * 1_000_000}></item>{END}", id="long name"),
        pytest.param(f"{HEAD}<item><title>{'a' * 2_000_000}</title></item>{END}", id="long token"),
        pytest.param(f"{HEAD}<item><title a='{'b' * 2_000_000}'>x</title></item>{END}", id="long value"),
        pytest.param(dated("1 " * 5_000), id="long dates"),
        pytest.param(dated("Mo, 3 März 2018 um 09:30 Uhr (" + "+1" * 20), id="dates of many parts"),
        pytest.param(texted("<a " * 13_000), id="unclosed tags"),
        pytest.param(texted("<!--" * 10_000), id="unclosed comments"),
        pytest.param(texted("&amp;lt;" * 5_000), id="escaped many times"),
        pytest.param(texted("Ã" * 5_000 + "\u202e" * 5_000), id="mojibake"),
        pytest.param(HEAD + "<item>" * MANY, id="unclosed entries"),
        pytest.param("<!DOCTYPE rss [" + "<!--" * MANY, id="unclosed declaration"),
        pytest.param("<?xml " * MANY, id="unclosed processing instruction"),
    ],
)  # fmt: skip
def test_a_hostile_feed_ends_within_its_limits_and_the_next_is_read(low: Parse, body: str) -> None:
    said = ""
    try:
        parse(low, body)
    except FeedError as fault:
        said = str(fault)
    assert "report this" not in said
    assert "The log says why" not in said
    assert parse(low, rss(ITEM)).articles[0].title == "A story"


def test_quadratic_attributes_end_at_the_processors_limit(low: Parse) -> None:
    with pytest.raises(CostlyFeedError, match=r"^takes more than 0.25 s of processor time to read. Remove it"):
        parse(low, ATTRIBUTES)


def test_a_feed_that_needs_too_much_memory_ends_at_that_limit() -> None:
    with (
        Parsers(FeedLimits(processor=60, memory=24 * 2**20))() as with_parse,
        pytest.raises(CostlyFeedError, match=r"^takes more than 24 MB of memory to read"),
    ):
        parse(with_parse, f"{JSON}{'{},' * 400_000}{{}}]}}")


def test_a_child_that_stands_still_is_ended_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers, "_PATIENCE", 0.0)
    with (
        Parsers(FeedLimits(processor=60))() as with_parse,
        pytest.raises(CostlyFeedError, match="takes more than 0 s to read"),
    ):
        parse(with_parse, ATTRIBUTES)


def test_a_child_parses_as_the_bot_itself_would(low: Parse) -> None:
    body = rss(
        ITEM,
        "<title>Café \U0001f355</title><pubDate>Tue, 06 Mar 2018 09:30:00 EST</pubDate><enclosure type='image/png' url='https://e.com/i.png'/>",
        "<description/>",
    )
    assert parse(low, body) == parse(parse_feed, body)
    with pytest.raises(FeedError, match="is a web page, not a feed"):
        parse(low, "<!doctype html><html></html>", "text/html")


def test_children_end_with_the_last_poll(low: Parse) -> None:
    del low
    pools = Parsers(LOW)
    with pools() as one:
        with pools() as other:
            parse(other, rss(ITEM))
        (child,) = pools._idle
        assert child.usable
        parse(one, rss(ITEM))
        assert pools._idle == [child], "the second poll used the same"
    assert not child.usable
    assert pools._idle == []


def test_a_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SLACK_BOT_TOKEN",
        "DATABASE_URL",
        "TIERBOT_WEB_TOKEN",
        "PGPASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "HTTPS_PROXY",
    ):
        monkeypatch.setenv(name, "a-secret")
    seen: list[dict[str, str]] = []
    real = subprocess.Popen

    def noted(*arguments: object, **given: object) -> object:
        seen.append(given["env"])  # type: ignore[arg-type]
        return real(*arguments, **given)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with Parsers(LOW)() as with_parse:
        parse(with_parse, rss(ITEM))
    (given,) = seen
    assert "a-secret" not in given.values()
    assert set(given) <= set(os.environ)


def test_a_child_that_cannot_start_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        Parsers(LOW)() as with_parse,
        pytest.raises(FeedError, match=r"the process that reads feeds failed\. The log says why") as raised,
    ):
        parse(with_parse, rss(ITEM))
    assert not isinstance(raised.value, CostlyFeedError)
    assert "The process that reads feeds failed" in caplog.text


def test_an_error_of_our_own_in_a_child_is_told_as_that(
    low: Parse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: object, **__: object) -> Parsed:
        raise RuntimeError("boom")

    with monkeypatch.context() as patch:
        patch.setattr(parsing_child, "parse_feed", faulty)
        answer = parsing_child._answer(parsing_child.request_of(Feed(URL), URL, "text/xml", 10, NOW), b"<rss/>")
    monkeypatch.setattr(parsers._Child, "parse", lambda *_: answer)
    with pytest.raises(FeedError, match=r"^could not be read \(RuntimeError: boom\). Please report this.$") as raised:
        parse(low, rss(ITEM))
    assert not isinstance(raised.value, CostlyFeedError)
    assert "in faulty" in caplog.text


def test_the_others_of_a_poll_are_read_while_a_hostile_feed_takes_its_time(server: FeedServer) -> None:
    hostile = Feed(server.serve("/hostile", ATTRIBUTES))
    good = [Feed(server.serve(f"/{n}", rss(ITEM))) for n in range(5)]
    reader = FeedReader(limits=LOW, allow=LOOPBACK)
    bad, *well = poll(reader, [hostile, *good])
    assert bad.problem is not None
    assert bad.problem.startswith(f"{hostile.url}: takes more than 0.25 s of processor time")
    assert (bad.memory.costly, bad.memory.told, bad.memory.failures) == (True, False, 1)
    assert all(len(result.articles) == 1 and not result.memory.costly for result in well)


def test_good_feeds_are_returned_before_a_slow_one_ends(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.adapters.feeds.reader._TOGETHER", 0.01)
    server.hang("/slow")
    good, slow = Feed(server.serve("/good", rss(ITEM))), Feed(server.url + "/slow")
    reader = FeedReader(limits=FeedLimits(seconds=20), allow=LOOPBACK, parsing=Parsers(LOW))
    results = iter(reader.poll([slow, good], {}, NOW))
    assert [result.feed for result in next(results)] == [good]
    server.released.set()
    assert [result.feed for part in results for result in part] == [slow]


def test_whoever_knows_of_a_costly_feed_still_knows_after_another_failure() -> None:
    told = FeedMemory(costly=True, told=True)
    assert told.failed(NOW).told
    assert not told.failed(NOW).costly
    assert told.failed(NOW, costly=True).costly


@pytest.fixture(autouse=True)
def no_thread_is_left_behind() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("feeds")]
