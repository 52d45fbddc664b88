"""What is pruned, and what stays: everything that the dataset, the audit trail, an admin or the next poll needs."""

from datetime import timedelta

import numpy as np

from tests.support.rows import MINUTE, NOON, TEAM, article, delivery, event, model, put_post, verdict
from tierbot.adapters.store import SqlStore
from tierbot.domain.articles.boundaries import Boundary, Held, HeldBack
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.domain.nouns import Copy, GivenLabel, Invitation, ModelState, Thread
from tierbot.use_cases.ports import DeliveryKind, Transaction

DAY = timedelta(days=1)
FEED = Feed("https://e.com/news.xml", "News")


def send(tx: Transaction, *keys: str, at=NOON) -> None:
    """Queue deliveries and mark them as sent."""
    tx.outbox.add(delivery(key) for key in keys)
    for claimed in tx.outbox.claim(at, at + MINUTE, 100):
        if claimed.id in keys:
            tx.outbox.done(claimed, "1.0", at)


def test_sent_and_dropped_deliveries_go_in_portions_and_unsent_ones_stay(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        send(tx, "sent1", "sent2", "sent3")
        send(tx, "new", at=NOON + 3 * DAY)
        tx.outbox.add([delivery("parked")])
        tx.outbox.park(tx.outbox.claim(NOON, NOON + MINUTE, 1)[0], "why")
        tx.outbox.add([delivery("waits"), delivery("dropped")])
        tx.outbox.drop(["dropped"], NOON)
        assert [tx.outbox.prune(NOON + DAY, 3) for _ in range(3)] == [3, 1, 0]
        assert sorted(one.id for one in tx.outbox.unsent()) == ["parked", "waits"]
        assert sum(tx.outbox.counts().values()) == 3


def test_a_delivery_that_another_one_replies_to_stays_until_that_is_sent(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        send(tx, "below")
        tx.outbox.add([delivery("reply", after_id="below", due_at=NOON + 9 * DAY)])
        assert tx.outbox.prune(NOON + DAY, 10) == 0
        assert tx.outbox.result("below") == "1.0"
        tx.outbox.drop(["reply"], NOON)
        assert tx.outbox.prune(NOON + DAY, 10) == 2


def test_holds_that_ended_go_with_the_deliveries(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.hold(DeliveryKind.ANNOUNCE, NOON + 3 * DAY, "C1")
        for number in range(50):
            tx.outbox.hold(DeliveryKind.ANNOUNCE, NOON, f"D{number}")
        tx.outbox.prune(NOON + DAY, 10)
        tx.outbox.add([delivery("held")])
        assert tx.outbox.claim(NOON + DAY, NOON + 2 * DAY, 1) == []


def test_superseded_verdicts_go_and_each_posts_newest_stays(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for key in ("p1", "p2"):
            put_post(tx, key, ts=f"{key}.0")
            for cursor in (1, 2, 3):
                tx.verdicts.add(verdict(key, ledger_cursor=cursor, settled_at=NOON + cursor * DAY))
        cursor, latest = tx.verdicts.cursor(), tx.verdicts.latest(["p1", "p2"])
        assert [tx.verdicts.prune(NOON + 2.5 * DAY, 3) for _ in range(3)] == [3, 1, 0]
        assert tx.verdicts.latest(["p1", "p2"]) == latest
        assert tx.verdicts.cursor() == cursor
        assert len(tx.table_pages.page("verdicts", None, 10).rows) == 2
        # The newest is known, and an old one that arrives late doesn't count.
        assert not tx.verdicts.add(verdict("p1", ledger_cursor=3, settled_at=NOON + 9 * DAY))
        tx.verdicts.add(verdict("p1", ledger_cursor=2, settled_at=NOON + 9 * DAY))
        assert tx.verdicts.latest(["p1"])["p1"].ledger_cursor == 3


def test_reactions_to_other_messages_go_and_those_to_posts_and_invitations_stay(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts="1.0")
        tx.posts.invite(Invitation("i1", "p1", "U1", "D1", NOON))
        tx.posts.invited("i1", "2.0", NOON)
        places = [("C1", "1.0"), ("D1", "2.0"), ("C1", "2.0"), ("C1", "3.0"), ("C1", "4.0"), ("C1", "5.0")]
        late = NOON + 3 * DAY
        tx.ledger.append_all([event(f"{at}", channel=at[0], ts=at[1]) for at in places])
        tx.ledger.append_all([event(f"{at}2", channel=at[0], ts=at[1]) for at in places])
        tx.ledger.append(event("late", channel="C1", ts="5.0", received_at=late))
        assert [tx.ledger.prune(NOON + DAY, 2) for _ in range(3)] == [4, 2, 0]
        left = {place: len(tx.ledger.events(*place)) for place in places}
        assert left == dict(zip(places, (2, 2, 0, 0, 0, 3), strict=True))
        assert len(tx.ledger.untallied(10)) == 3
        # Found in Slack after all: its reactions count from there on.
        assert tx.ledger.append(event("again", channel="C1", ts="3.0"))
        assert tx.ledger.unread("C1", "3.0")


def test_articles_never_asked_about_go_once_no_feed_lists_them(store: SqlStore) -> None:
    vector = {key: np.ones(2, np.float32) for key in ("old", "listed", "copied", "asked", "labeled", "added", "new")}
    feeds = {"feeds": (FEED.url,)}
    with store.begin(TEAM) as tx:
        tx.feeds.add([FEED], ListedBy.PEOPLE)
        tx.articles.add(article(key, **feeds) for key in ("old", "listed", "copied", "labeled"))
        tx.articles.add([article("added"), article("new", received_at=NOON + 3 * DAY, **feeds)])
        tx.articles.add(
            [article("wanted", check_tag="food", **feeds), article("thread", asked_in=Thread("C1", "1.0"), **feeds)]
        )
        tx.articles.add_copies([Copy("c-old", "old", "x"), Copy("c-copied", "copied", "x")])
        put_post(tx, "asked")
        tx.articles.carried_by(FEED.url, ["a-asked"])
        tx.given_labels.put([GivenLabel("labeled", {"food": 1.0}, "file", NOON)])
        tx.articles.add_embeddings(
            "digest", {("a-asked" if key == "asked" else key): one for key, one in vector.items()}
        )
        tx.held_back.add([HeldBack("old", Held(Boundary.WORD, "x"), "g", NOON, {})])
        assert tx.articles.prune(NOON + DAY, 10) == 0  # what the feed lists isn't known yet
        tx.feeds.lists(FEED.url, {"listed", "c-copied"})
        assert [tx.articles.prune(NOON + DAY, 10) for _ in range(2)] == [1, 0]
        there = tx.articles.get(["old", "listed", "copied", "a-asked", "labeled", "added", "new", "wanted", "thread"])
        assert set(there) == {"listed", "copied", "a-asked", "labeled", "added", "new", "wanted", "thread"}
        assert tx.articles.known_copies(["c-old", "c-copied"]) == {"c-copied"}
        assert tx.held_back.counts(1) == []
        # A poll without news says nothing about the list; one with another list does.
        tx.feeds.polled(FeedResult(FEED, (), FeedMemory(), unchanged=True), NOON, 0)
        assert tx.articles.prune(NOON + DAY, 10) == 0
        tx.feeds.lists(FEED.url, {"c-copied"})
        assert tx.articles.prune(NOON + DAY, 10) == 1


def test_articles_go_in_portions_the_oldest_first(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add(article(f"a{number}", received_at=NOON + number * MINUTE, feeds=("u",)) for number in range(9))
        assert [tx.articles.prune(NOON + DAY, 4) for _ in range(2)] == [4, 4]
        assert [one.id for one in tx.articles.waiting(10)] == ["a8"]


def test_what_a_boundary_said_of_an_article_goes_once_that_is_asked_about(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "asked")
        tx.articles.add([article("held")])
        held = Held(Boundary.WORD, "x")
        tx.held_back.add(HeldBack(key, held, "g", NOON, {}) for key in ("a-asked", "held"))
        tx.articles.add_embeddings("digest", {})
        assert [tx.held_back.prune(10) for _ in range(2)] == [1, 0]
        assert [one.count for one in tx.held_back.counts(1)] == [1]


def test_weights_of_the_champion_and_of_the_newest_of_each_kind_stay(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for number in range(1, 6):
            tx.models.add(model(f"m{number}", number, state=ModelState.CHAMPION), b"w")
        for number in range(6, 12):
            tx.models.add(model(f"m{number}", number), b"w")
        assert [tx.models.prune(2) for _ in range(2)] == [6, 0]
        assert len(tx.models.all()) == 11
        for kept in ("m5", "m4", "m3", "m11", "m10"):
            assert tx.models.weights(kept) == b"w"
        assert tx.models.champion().id == "m5"


def test_embeddings_of_encoders_that_no_model_uses_go(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.models.add(model("m1", 1, encoder_digest="old", state=ModelState.CHAMPION), b"w")
        tx.articles.add(article(f"a{number}") for number in range(5))
        for digest in ("older", "old", "new"):
            tx.articles.add_embeddings(digest, {f"a{number}": np.ones(2, np.float32) for number in range(5)})
        assert tx.models.encoders() == {"old"}
        assert [tx.articles.prune_embeddings({"old", "new"}, 3) for _ in range(3)] == [3, 2, 0]
        assert len(tx.articles.embeddings("old", [f"a{number}" for number in range(5)])) == 5


def test_a_strangers_installations_fill_no_table_and_the_last_one_can_be_finished(store: SqlStore) -> None:
    with store.begin("client") as tx:
        for number in range(1100):
            tx.installations.give_state(f"s{number}", NOON + number * timedelta(milliseconds=1), NOON - MINUTE)
        assert [tx.installations.take_state(f"s{number}", NOON - MINUTE) for number in (0, 99, 100, 1099)] == [
            False,
            False,
            True,
            True,
        ]


def test_another_workspaces_rows_stay(store: SqlStore) -> None:
    with store.begin("T2") as tx:
        send(tx, "theirs")
    with store.begin(TEAM) as tx:
        assert tx.outbox.prune(NOON + DAY, 10) == 0
    with store.read("T2") as tx:
        assert sum(tx.outbox.counts().values()) == 1
