"""What reading feeds costs: 50 feeds of 100 entries polled, folded and stored, one of them broken in each way.

Run with: pytest tests/benchmarks/test_feeds.py -s
The figure of issue "The first hour": under 60 s on two cores.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.adapters.feeds.conftest import BOMB, FeedServer, rss, serving
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.adapters.files.configuration import load_feeds
from tierbot.adapters.store import open_store
from tierbot.domain.articles.feeds import Feed
from tierbot.use_cases.articles.intake import Intake
from tierbot.use_cases.ports import Workspace

FEEDS, ENTRIES, SHARED = 50, 100, 10  # the first SHARED stories of a feed are carried by others too
TEXT = (
    "harbour bridge council vote storm ferry school budget museum opera striker goal coach injury telescope comet rocket "
    "vaccine clinic nurse recipe oven bakery wine brewery court judge appeal verdict army border treaty engine battery "
    "charger software chip robot film director actor album singer stage festival market bank inflation shares climate"
)
WORDS = TEXT.split()


class Clock:
    """ports.Clock by the machine's clock."""

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return time.monotonic()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as made:
        yield made


def broken(server: FeedServer) -> list[str]:
    """Serve a feed broken in each way; return their addresses."""
    server.serve("/html", "<!doctype html><html><body>News</body></html>", kind="text/html")
    server.serve("/empty", b"")
    server.serve("/huge", b"<rss>" + b"x" * (11 * 2**20))
    server.hang("/slow")
    server.redirect("/loop", "/loop")
    server.serve("/bomb", BOMB)
    server.serve("/json", '{"items": []}')
    server.serve("/gone", b"", status=410)
    server.serve("/packed", b"no gzip", Content_Encoding="gzip")
    server.serve_raw("/rubbish", b"\x00\x01\x02 no HTTP at all\r\n\r\n")
    names = ("html", "empty", "huge", "slow", "loop", "bomb", "json", "gone", "packed", "rubbish", "missing")
    return [f"{server.url}/{name}" for name in names]


def titles(rng: np.random.Generator, count: int) -> list[str]:
    return [" ".join(rng.choice(WORDS, 8, replace=False)).capitalize() for _ in range(count)]


def item(title: str, url: str) -> str:
    published = "<pubDate>Mon, 23 Nov 2026 09:30:00 GMT</pubDate>"
    return f"<title>{title}</title><link>{url}</link><description>{title}. {title}.</description>{published}"


def test_fifty_feeds_of_a_hundred_entries_are_polled_folded_and_stored_in_a_minute(
    server: FeedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    bad = broken(server)
    shared = titles(rng, SHARED)
    good = []
    for number in range(FEEDS - len(bad)):
        listed = [*shared, *titles(rng, ENTRIES - SHARED)]
        items = [item(title, f"https://paper{number}.example/{place}") for place, title in enumerate(listed)]
        good.append(server.serve(f"/feed{number}", rss(*items, title=f"Paper {number}")))
    store, clock = open_store(f"sqlite:///{tmp_path}/feeds.db"), Clock()
    with store.begin("T1") as tx:
        tx.workspaces.put(Workspace("T1", "Test", clock.now()))
    intake = Intake(
        store=store,
        feed_reader=FeedReader(allow=LOOPBACK),
        encoder=HashingEncoder(),
        clock=clock,
        file=None,
        read_file=load_feeds,
    )
    intake.add_feeds("T1", [Feed(url) for url in (*good, *bad)])
    began, busy = time.monotonic(), time.process_time()
    first = intake.poll("T1")
    took, cpu = time.monotonic() - began, time.process_time() - busy
    began = time.monotonic()
    again = intake.poll("T1")
    second = time.monotonic() - began
    with store.read("T1") as tx:
        count = tx.articles.count()
        listed_feeds = {one.feed.url: one for one in tx.feeds.all()}
    store.close()
    with capsys.disabled():
        print(f"\n{FEEDS} feeds of {ENTRIES} entries, {len(bad)} of them broken, read, folded and stored")
        print(f"first poll    {took:5.1f} s   (60)   of which {cpu:.1f} s of computing")
        print(f"second poll   {second:5.1f} s   the broken ones left alone, nothing new")
    assert took < 60
    assert (first.feeds, first.new, count) == (FEEDS, SHARED + len(good) * (ENTRIES - SHARED), first.new)
    assert first.copies == SHARED * (len(good) - 1)
    assert len(first.problems) == len(bad)
    assert {url for url, one in listed_feeds.items() if one.problem} == set(bad)
    assert (again.feeds, again.new, again.copies) == (len(good), 0, 0)
