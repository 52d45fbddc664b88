"""Feeds polled: what is new comes in once, what is broken is told and stops nothing, what is kept is kept together."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.domain.articles.logins import Login
from tierbot.domain.articles.urls import site_of
from tierbot.domain.nouns import Article, TierbotError, key
from tierbot.use_cases.ports import Job

GOOD, OTHER, BAD = (Feed(f"https://{name}.example/feed.xml") for name in ("good", "other", "bad"))


@dataclass
class Papers:
    """ports.Feeds that serves titles by feed address; None is a feed that cannot be read."""

    titles: dict[str, list[str] | None] = field(default_factory=dict)
    costly: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    memories: dict[str, FeedMemory] = field(default_factory=dict)
    logins: dict[str, Login | None] = field(default_factory=dict)

    def poll(
        self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime
    ) -> Iterator[list[FeedResult]]:
        self.asked.append([feed.url for feed in feeds])
        self.memories.update(memory)
        self.logins |= {feed.url: feed.login for feed in feeds}
        yield from ([self._result(feed, memory[feed.url], now)] for feed in feeds)

    def _result(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        if feed.url in self.costly:
            failed = memory.failed(now, costly=True)
            return FeedResult(feed, (), failed, problem=f"{feed.url}: takes more than 10 s to read. Remove it.")
        titles = self.titles.get(feed.url)
        if titles is None:
            return FeedResult(feed, (), memory.failed(now), problem=f"{feed.url}: is a web page. List its feed.")
        site = site_of(feed.url)
        urls = [f"https://{site}/{key(title)}" for title in titles]
        articles = [Article(key(url), title, "", url, site, now, now) for title, url in zip(titles, urls, strict=True)]
        return FeedResult(feed, tuple(articles), FeedMemory(etag=f'"{len(titles)}"'))


@dataclass
class Newsroom:
    """A bot, and the papers that its feeds carry."""

    harness: Harness
    papers: Papers

    def titles(self) -> set[str]:
        with self.harness.bot.store.read(WORKSPACE) as tx:
            return {article.title for article in tx.articles.recent(self.harness.clock.now() - timedelta(days=999), 99)}

    def due(self) -> Job:
        return self.harness.job("poll")


@pytest.fixture
def newsroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    papers = Papers()
    monkeypatch.setattr("tierbot.app.bootstrap.feed_reader", lambda _: papers)
    harness = build_harness(tmp_path, admins=("UADA",))
    yield Newsroom(harness, papers)
    harness.bot.close()


STORY = "A long headline about the harbour that every paper carries today"


def test_what_feeds_list_comes_in_once_and_the_same_story_elsewhere_is_a_copy(newsroom: Newsroom) -> None:
    intake = newsroom.harness.bot.intake
    assert intake.add_feeds(WORKSPACE, [GOOD, OTHER]) == 2
    newsroom.papers.titles = {GOOD.url: [STORY, "Only here"], OTHER.url: [STORY, "Only there"]}
    polled = intake.poll(WORKSPACE)
    assert (polled.feeds, polled.new, polled.copies, polled.problems) == (2, 3, 1, ())
    again = intake.poll(WORKSPACE)
    assert (again.feeds, again.new, again.copies) == (2, 0, 0)
    assert newsroom.titles() == {STORY, "Only here", "Only there"}
    listed = {one.feed.url: one for one in intake.feeds(WORKSPACE)}
    assert (listed[GOOD.url].brought, listed[OTHER.url].brought) == (2, 1)
    assert newsroom.papers.memories[GOOD.url] == FeedMemory('"2"')


def test_a_copy_whose_original_is_long_past_is_not_taken_for_new(newsroom: Newsroom) -> None:
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [GOOD, OTHER])
    newsroom.papers.titles = {GOOD.url: [STORY], OTHER.url: [STORY]}
    assert intake.poll(WORKSPACE).copies == 1
    newsroom.harness.clock.advance(days=40)
    assert (intake.poll(WORKSPACE).new, intake.poll(WORKSPACE).copies) == (0, 0)
    assert newsroom.titles() == {STORY}


def test_a_broken_feed_is_logged_kept_for_the_list_and_stops_no_other(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [BAD, GOOD])
    newsroom.papers.titles = {GOOD.url: ["Fine"], BAD.url: None}
    with caplog.at_level(logging.WARNING, "tierbot.use_cases.articles.intake"):
        polled = intake.poll(WORKSPACE)
    assert polled.problems == (f"{BAD.url}: is a web page. List its feed.",)
    assert [record.getMessage() for record in caplog.records] == [
        f"Feed {polled.problems[0]} tierbot will retry in 15 minutes."
    ]
    assert newsroom.titles() == {"Fine"}
    listed = {one.feed.url: one for one in intake.feeds(WORKSPACE)}
    assert (listed[GOOD.url].problem, listed[BAD.url].problem) == (None, polled.problems[0])


def test_a_broken_feed_is_left_alone_for_a_while_and_its_problem_stays_told(newsroom: Newsroom) -> None:
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [BAD, GOOD])
    newsroom.papers.titles = {GOOD.url: ["Fine"], BAD.url: None}
    intake.poll(WORKSPACE)
    newsroom.harness.clock.advance(minutes=10)
    assert intake.poll(WORKSPACE).feeds == 1
    (bad,) = [one for one in intake.feeds(WORKSPACE) if one.feed == BAD]
    assert (bad.memory.failures, bad.problem is not None) == (1, True)
    newsroom.harness.clock.advance(minutes=6)
    newsroom.papers.titles[BAD.url] = ["Mended"]
    assert intake.poll(WORKSPACE).new == 1
    (bad,) = [one for one in intake.feeds(WORKSPACE) if one.feed == BAD]
    assert (bad.memory.failures, bad.problem, bad.brought) == (0, None, 1)


def told(newsroom: Newsroom) -> list[Mapping[str, Any]]:
    """Poll as the schedule does, send what there is, and return what the admins were told about costly feeds."""
    newsroom.harness.do("poll")
    newsroom.harness.deliver()
    return [one for one in newsroom.harness.chat.announcements if one["kind"] == "costly_feeds"]


def test_admins_are_told_once_of_a_feed_that_takes_too_much_and_the_others_come_in(newsroom: Newsroom) -> None:
    newsroom.harness.bot.intake.add_feeds(WORKSPACE, [BAD, OTHER, GOOD])
    newsroom.papers.titles = {GOOD.url: ["Fine"]}
    newsroom.papers.costly = {BAD.url, OTHER.url}
    (news,) = told(newsroom)
    assert [one["url"] for one in news["feeds"]] == [BAD.url, OTHER.url], "one message for both"
    assert "takes more than 10 s to read" in news["feeds"][0]["problem"]
    assert newsroom.titles() == {"Fine"}
    for _ in range(3):
        newsroom.harness.clock.advance(days=1)
        assert len(told(newsroom)) == 1
    (bad,) = [one for one in newsroom.harness.bot.intake.feeds(WORKSPACE) if one.feed == BAD]
    assert (bad.memory.failures, bad.problem) == (4, f"{BAD.url}: takes more than 10 s to read. Remove it.")


def test_admins_are_told_again_of_a_feed_that_was_well_in_between(newsroom: Newsroom) -> None:
    newsroom.harness.bot.intake.add_feeds(WORKSPACE, [BAD])
    newsroom.papers.costly = {BAD.url}
    assert len(told(newsroom)) == 1
    newsroom.harness.clock.advance(days=1)
    newsroom.papers.costly, newsroom.papers.titles = set(), {BAD.url: ["Mended"]}
    assert len(told(newsroom)) == 1
    newsroom.harness.clock.advance(days=1)
    newsroom.papers.costly = {BAD.url}
    assert len(told(newsroom)) == 2


def test_feeds_known_to_be_broken_are_read_last(newsroom: Newsroom) -> None:
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [BAD, GOOD])
    newsroom.papers.titles = {GOOD.url: ["Fine"], BAD.url: None}
    intake.poll(WORKSPACE)
    newsroom.harness.clock.advance(days=1)
    intake.poll(WORKSPACE)
    assert newsroom.papers.asked == [[BAD.url, GOOD.url], [GOOD.url, BAD.url]]


def test_a_poll_interrupted_between_two_feeds_is_finished_by_the_next(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [GOOD, OTHER])
    newsroom.papers.titles = {GOOD.url: [STORY], OTHER.url: [STORY, "Only there"]}
    from tierbot.adapters.store.feeds import SqlFeedList

    real, calls = SqlFeedList.polled, []

    def dying(self: SqlFeedList, result: FeedResult, now: datetime, brought: int) -> None:
        calls.append(result.feed.url)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(self, result, now, brought)

    with monkeypatch.context() as patch:
        patch.setattr(SqlFeedList, "polled", dying)
        with pytest.raises(KeyboardInterrupt):
            intake.poll(WORKSPACE)
    assert newsroom.titles() == {STORY}, "the second feed's articles and its memory are written together or not at all"
    memories = {one.feed.url: one.memory for one in intake.feeds(WORKSPACE)}
    assert memories == {GOOD.url: FeedMemory('"1"'), OTHER.url: FeedMemory()}
    polled = intake.poll(WORKSPACE)
    assert (polled.new, polled.copies) == (1, 1)


def test_the_file_of_feeds_is_followed_as_it_changes(newsroom: Newsroom, tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text(f"{GOOD.url} Good\n{OTHER.url}\n")
    newsroom.harness.bot.close()
    harness = build_harness(tmp_path, feeds=path)
    intake = harness.bot.intake
    intake.add_feeds(WORKSPACE, [BAD, OTHER])
    names = {(one.feed.url, one.feed.name, one.by) for one in intake.feeds(WORKSPACE)}
    assert names == {
        (GOOD.url, "Good", ListedBy.FILE),
        (OTHER.url, "", ListedBy.FILE),
        (BAD.url, "", ListedBy.PEOPLE),
    }
    with pytest.raises(TierbotError, match=r"is in .*feeds\.txt\. Remove it there"):
        intake.remove_feed(WORKSPACE, GOOD.url)
    path.write_text(f"{GOOD.url} Better\n")
    assert {(one.feed.url, one.feed.name) for one in intake.feeds(WORKSPACE)} == {(GOOD.url, "Better"), (BAD.url, "")}
    harness.bot.close()


def test_an_article_knows_every_feed_that_carries_it(newsroom: Newsroom) -> None:
    shared = "The harbour gets a new bridge after forty years of plans"
    newsroom.papers.titles = {GOOD.url: [shared, "Only here"], OTHER.url: []}
    intake = newsroom.harness.bot.intake
    intake.add_feeds(WORKSPACE, [GOOD, OTHER])

    def carriers() -> dict[str, tuple[str, ...]]:
        intake.poll(WORKSPACE)
        with newsroom.harness.bot.store.read(WORKSPACE) as tx:
            return {article.title: article.feeds for article in tx.articles.waiting(9)}

    assert carriers() == {shared: (GOOD.url,), "Only here": (GOOD.url,)}
    newsroom.papers.titles[OTHER.url] = [shared]
    for _ in range(2):
        assert carriers() == {shared: (GOOD.url, OTHER.url), "Only here": (GOOD.url,)}


def test_a_login_in_the_file_of_feeds_reaches_the_reader_and_not_the_database(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    file = tmp_path / "feeds.txt"
    file.write_text("https://ann:hunter2@good.example/feed.xml\n")
    intake = newsroom.harness.bot.intake
    intake.file = file
    intake.poll(WORKSPACE)
    assert newsroom.papers.logins == {GOOD.url: Login("ann", "hunter2")}
    assert [one.feed.login for one in intake.feeds(WORKSPACE)] == [None]
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))


def test_a_file_that_cannot_be_used_is_reported_and_the_former_list_stays(
    newsroom: Newsroom, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text(f"{GOOD.url}\n")
    newsroom.harness.bot.close()
    harness = build_harness(tmp_path, feeds=path)
    newsroom.papers.titles = {GOOD.url: ["Fine"]}
    assert harness.bot.intake.poll(WORKSPACE).new == 1
    path.write_text("no address\n")
    with caplog.at_level(logging.WARNING, "tierbot.use_cases.articles.intake"):
        assert harness.bot.intake.poll(WORKSPACE).feeds == 1
    assert "feeds.txt:1: 'no'" in caplog.text
    harness.bot.close()


def test_a_feed_is_listed_once_whatever_its_spelling_and_removed_by_any(newsroom: Newsroom) -> None:
    intake = newsroom.harness.bot.intake
    assert intake.add_feeds(WORKSPACE, [GOOD]) == 1
    assert intake.add_feeds(WORKSPACE, [Feed("http://www.good.example/feed.xml?utm_source=x")]) == 0
    with pytest.raises(TierbotError, match="is not on the list"):
        intake.remove_feed(WORKSPACE, OTHER.url)
    intake.remove_feed(WORKSPACE, GOOD.url)
    assert intake.feeds(WORKSPACE) == []


def test_polling_is_due_again_after_its_interval_and_embeds_what_came(newsroom: Newsroom) -> None:
    bot = newsroom.harness.bot
    bot.intake.add_feeds(WORKSPACE, [GOOD])
    newsroom.papers.titles = {GOOD.url: ["Fine"]}
    now = newsroom.harness.clock.now()
    newsroom.harness.do("poll")
    done = newsroom.due()
    assert (done.due_at, done.ran_at, done.attempts) == (now + timedelta(minutes=30), now, 0)
    with bot.store.read(WORKSPACE) as tx:
        assert tx.articles.without_embedding(bot.encoder.digest, 9) == []


def test_a_feed_that_is_added_while_others_are_read_is_read_next(newsroom: Newsroom) -> None:
    bot, papers = newsroom.harness.bot, newsroom.papers
    bot.intake.add_feeds(WORKSPACE, [GOOD])
    papers.titles = {GOOD.url: ["Fine"], OTHER.url: ["New"]}
    real = papers.poll

    def slow(feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime) -> list[FeedResult]:
        newsroom.harness.clock.advance(seconds=5)
        bot.intake.add_feeds(WORKSPACE, [OTHER])
        return real(feeds, memory, now)

    papers.poll = slow  # type: ignore[method-assign]
    newsroom.harness.do("poll")
    assert papers.asked == [[GOOD.url]]
    assert newsroom.due().due_at == newsroom.harness.clock.now()
    newsroom.harness.do("poll")
    assert newsroom.titles() == {"Fine", "New"}


def test_hundreds_of_feeds_are_read_in_parts_each_written_before_the_next(newsroom: Newsroom) -> None:
    bot, papers = newsroom.harness.bot, newsroom.papers
    feeds = [Feed(f"https://n{number}.example/feed") for number in range(150)]
    bot.intake.add_feeds(WORKSPACE, feeds)
    papers.titles = {feed.url: [f"Story of number {number}"] for number, feed in enumerate(feeds)}
    assert bot.intake.poll(WORKSPACE).new == 150
    assert [len(part) for part in papers.asked] == [100, 50]
