"""The list of feeds and what boundaries held back: kept once each, and counted by the database."""

from datetime import timedelta

from tests.support.rows import MINUTE, NOON, TEAM, article
from tierbot.adapters.store import SqlStore
from tierbot.domain.articles.boundaries import Boundary, Held, HeldBack, HeldCount
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy, ListedFeed
from tierbot.domain.nouns import Copy

NEWS, BLOG = Feed("https://e.com/news.xml", "News"), Feed("https://e.com/blog.xml")
WORD, TAG = Held(Boundary.WORD, "crypto*"), Held(Boundary.TAG, "law")


def test_feeds_are_listed_once_by_name_and_come_off_the_list(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.feeds.add([NEWS, BLOG], ListedBy.PEOPLE) == 2
        assert tx.feeds.add([NEWS], ListedBy.FILE) == 0
        assert tx.feeds.all() == [
            ListedFeed(BLOG, ListedBy.PEOPLE, FeedMemory()),
            ListedFeed(NEWS, ListedBy.PEOPLE, FeedMemory()),
        ]
        tx.feeds.rename(BLOG.url, "Blog")
        assert tx.feeds.remove([NEWS.url, "https://e.com/unknown"]) == 1
        assert [listed.feed for listed in tx.feeds.all()] == [Feed(BLOG.url, "Blog")]


def test_what_a_poll_brought_is_kept_and_summed_and_of_a_feed_no_longer_listed_forgotten(store: SqlStore) -> None:
    memory = FeedMemory('"v1"', "Mon", 2, NOON + timedelta(hours=1))
    with store.begin(TEAM) as tx:
        tx.feeds.add([NEWS], ListedBy.FILE)
        tx.feeds.polled(FeedResult(NEWS, (), FeedMemory(), notes=("odd", "old")), NOON, 3)
        tx.feeds.polled(FeedResult(NEWS, (), memory, problem="is a page"), NOON + MINUTE, 4)
        tx.feeds.polled(FeedResult(BLOG, (), memory), NOON, 9)
        assert tx.feeds.all() == [ListedFeed(NEWS, ListedBy.FILE, memory, NOON + MINUTE, "is a page", (), 7)]


def test_copies_that_were_added_are_known_and_no_others(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        tx.articles.add_copies([Copy(f"c{number}", "a1", "x") for number in range(600)])
        asked = [f"c{number}" for number in range(590, 1200)]
        assert tx.articles.known_copies(asked) == {f"c{number}" for number in range(590, 600)}
        assert tx.articles.known_copies([]) == set()


def test_an_article_held_back_waits_again_once_its_grounds_are_gone(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1"), article("a2"), article("a3")])
        tx.held_back.add([HeldBack("a1", WORD, "rules-1", NOON), HeldBack("a2", TAG, "rules-1/m1", NOON)])
        assert {one.id for one in tx.articles.waiting(9)} == {"a1", "a2", "a3"}
        assert {one.id for one in tx.articles.waiting(9, ["rules-1", "rules-1/m1"])} == {"a3"}
        assert {one.id for one in tx.articles.waiting(9, ["rules-1", "rules-1/m2"])} == {"a2", "a3"}
        assert {one.id for one in tx.articles.waiting(9, ["rules-2"])} == {"a1", "a2", "a3"}


def test_held_back_articles_are_counted_by_rule_with_the_latest_as_examples(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article(f"a{number}") for number in range(5)])
        tx.held_back.add([HeldBack(f"a{number}", WORD, "g", NOON + number * MINUTE) for number in range(4)])
        tx.held_back.add([HeldBack("a4", TAG, "g", NOON, {"top_tag": "law", "probability": 0.9})])
        assert tx.held_back.counts(2) == [
            HeldCount(WORD, 4, ("Title a3 🍕", "Title a2 🍕")),
            HeldCount(TAG, 1, ("Title a4 🍕",)),
        ]
        assert tx.held_back.counts(0)[0] == HeldCount(WORD, 4, ())


def test_an_article_held_back_again_counts_once(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article("a1")])
        tx.held_back.add([HeldBack("a1", WORD, "old", NOON)])
        tx.held_back.add([HeldBack("a1", Held(Boundary.WORD, "coin"), "new", NOON + MINUTE)])
        assert tx.held_back.counts(1) == [HeldCount(Held(Boundary.WORD, "coin"), 1, ("Title a1 🍕",))]
        assert tx.articles.waiting(9, ["old"])
        assert tx.articles.waiting(9, ["new"]) == []
