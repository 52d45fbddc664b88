"""Closed channels, changed ids, and what an admin decides about deliveries."""

from dataclasses import replace

from tests.support.rows import MINUTE, NOON, TEAM, article, delivery, event, put_post
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Thread
from tierbot.use_cases.ports import LOOK_UP, ClosedChannel, Delivery, DeliveryKind, DeliveryState, Search, Transaction

CLOSED = ClosedChannel("C1", "is_archived", NOON, NOON + MINUTE)
POST = delivery("o-post", kind=DeliveryKind.POST, payload={"post_id": "p1"})
PREFILL = delivery("o-prefill", kind=DeliveryKind.PREFILL, payload={"post_id": "p1", "emoji": "pizza"})


def claim(tx: Transaction, minutes: float = 0, limit: int = 10) -> list[str]:
    now = NOON + minutes * MINUTE
    return [one.id for one in tx.outbox.claim(now, now + 5 * MINUTE, limit)]


def test_what_is_for_a_closed_channel_waits_and_nothing_else_does(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery(), delivery("o2", channel="C2")])
        tx.channels.close(CLOSED)
        assert tx.channels.closed() == [CLOSED]
        assert claim(tx) == ["o2"]
        assert tx.outbox.waiting_by_channel() == {"C1": 1, "C2": 1}
        assert tx.channels.open("C1")
        assert not tx.channels.open("C1")
        assert claim(tx) == ["o1"]


def test_a_closed_channel_is_tried_again_when_its_time_has_come(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        tx.channels.close(CLOSED)
        assert claim(tx, minutes=0.9) == []
        assert claim(tx, minutes=1) == ["o1"]


def test_a_message_that_may_have_been_sent_waits_for_look_ups_and_goes_last(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("doubtful"), delivery("fresh")])
        (mine, *_) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        place = Search(NOON, NOON + MINUTE, wide=True, cursor="next", waited=60.5)
        assert tx.outbox.retry(mine, NOON, "no answer", search=place, failures=2)
        tx.outbox.hold(LOOK_UP, NOON + MINUTE)
        assert claim(tx) == ["fresh"]
        tx.outbox.add([delivery("third")])
        tx.outbox.hold(DeliveryKind.ANNOUNCE, NOON + 9 * MINUTE)
        (found,) = tx.outbox.claim(NOON + MINUTE, NOON + 2 * MINUTE, 9)
        assert (found.id, found.search, found.failures) == ("doubtful", place, 2)


def test_reactions_have_nothing_to_look_up(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([PREFILL])
        tx.outbox.claim(NOON, NOON + MINUTE, 1)
        (again,) = tx.outbox.claim(NOON + MINUTE, NOON + 2 * MINUTE, 1)
        assert again.search is None


def test_a_new_id_takes_reactions_along_that_came_under_an_id_in_between(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "p1", ts="1.0")
        put_post(tx, "elsewhere", ts="1.0", channel="C7")
        for number, channel in enumerate(("C1", "C5", "C6", "C7")):  # nobody told of C5 and C6
            tx.ledger.append(event(f"e{number}", channel=channel, ts="1.0", user=f"U{number}"))
            tx.ledger.tallied(channel, "1.0", 99)
        tx.ledger.append(event("other", channel="C5", ts="2.0"))
        assert tx.channels.change_id("C1", "C9", 2) == 1
        assert [one.event_id for one in tx.ledger.events("C9", "1.0")] == ["e0", "e1", "e2"]
        assert [one.event_id for one in tx.ledger.events("C7", "1.0")] == ["e3"]
        assert [one.event_id for one in tx.ledger.events("C5", "2.0")] == ["other"]
        assert ("C9", "1.0") in tx.ledger.untallied(9)


def test_a_message_that_is_found_later_gathers_what_came_under_former_ids(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "p1", ts="1.0", channel="C9")
        for number, channel in enumerate(("C1", "C5", "C9")):
            tx.ledger.append(event(f"e{number}", channel=channel, ts="1.0", user=f"U{number}"))
        tx.ledger.append(event("other", channel="C5", ts="2.0"))
        tx.channels.gather("C9", "1.0")
        tx.channels.gather("C9", "1.0")
        assert [one.event_id for one in tx.ledger.events("C9", "1.0")] == ["e0", "e1", "e2"]
        assert [one.event_id for one in tx.ledger.events("C5", "2.0")] == ["other"]
        assert ("C9", "1.0") in tx.ledger.untallied(9)


def test_a_new_id_takes_posts_reactions_and_deliveries_along(store: SqlStore) -> None:
    asked = Thread("C1", "7.0")
    with store.begin(TEAM) as tx:
        for number in range(3):
            put_post(tx, f"p{number}", ts=f"{number}.0")
            tx.ledger.append(event(f"e{number}", ts=f"{number}.0"))
            tx.ledger.tallied("C1", f"{number}.0", 99)
        put_post(tx, "queued", ts=None)
        put_post(tx, "elsewhere", ts="9.0", channel="C7")
        tx.articles.add([article("asked", asked_in=asked), article("other", asked_in=Thread("C11", "7.0"))])
        tx.ledger.append(event("early", channel="C2", ts="1.0", user="U2"))  # under the new id, before we knew it
        tx.ledger.tallied("C2", "1.0", 99)
        tx.outbox.add([delivery(), delivery("o2", channel="C7")])
        assert [tx.channels.change_id("C1", "C2", 2) for _ in range(3)] == [2, 1, 0]
        assert tx.posts.at("C1", "0.0") is None
        assert {post.channel for post in tx.posts.in_round(1)} == {"C2", "C7"}
        assert [one.event_id for one in tx.ledger.events("C2", "1.0")] == ["e1", "early"]
        assert tx.ledger.events("C1", "1.0") == []
        assert tx.ledger.untallied(9) == [("C2", "1.0")], "only where something arrived before"
        assert tx.outbox.waiting_by_channel() == {"C2": 1, "C7": 1}
        found = tx.articles.get(["asked", "other"])
        assert (found["asked"].asked_in, found["other"].asked_in) == (Thread("C2", "7.0"), Thread("C11", "7.0"))


def parked(tx: Transaction) -> Delivery:
    tx.outbox.add([POST, PREFILL, delivery()])
    (mine,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
    assert tx.outbox.park(mine, "msg_too_long")
    return mine


def test_a_parked_post_is_tried_again_with_its_prefills(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        parked(tx)
        assert tx.outbox.again(["o-post", "unknown"], NOON + MINUTE) == 2
        assert tx.outbox.parked() == []
        assert set(claim(tx, minutes=1)) == {"o-post", "o1"}
        assert tx.outbox.again(["o-post"], NOON + MINUTE) == 0, "it is being sent"


def test_what_is_dropped_is_never_claimed_and_not_queued_again(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        parked(tx)
        assert tx.outbox.drop(["o-post", "o1"], NOON) == 3
        assert tx.outbox.unsent() == []
        assert tx.outbox.add([POST, delivery()]) == 0
        assert claim(tx, minutes=99) == []
        assert tx.outbox.counts()[DeliveryState.DROPPED] == 3


def test_a_prefill_that_was_refused_itself_is_not_tried_again_with_its_post(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([PREFILL])
        (mine,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        tx.outbox.park(mine, "invalid_name")
        tx.outbox.add([POST])
        assert tx.outbox.again(["o-post"], NOON) == 1
        assert [one.id for one in tx.outbox.parked()] == ["o-prefill"]


def test_what_surely_was_not_sent_goes_to_another_channel_except_in_threads(store: SqlStore) -> None:
    in_thread = replace(POST, id="in-thread", payload={"post_id": "p2", "thread": "7.0"})
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        put_post(tx, "p2", ts=None)
        tx.outbox.add([delivery("tried")])
        (tried,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        tx.outbox.retry(tried, NOON, "no answer", search=Search(NOON, NOON + MINUTE))
        tx.outbox.add([POST, PREFILL, in_thread, delivery(), delivery("other", channel="C7")])
        assert tx.outbox.redirect("C1", "C2") == 2
        channels = {one.id: one.channel for one in tx.outbox.unsent()}
        moved = tx.posts.get("p1")
    assert channels == {
        "tried": "C1",
        "in-thread": "C1",
        "o-post": "C2",
        "o-prefill": "C2",
        "o1": "C2",
        "other": "C7",
    }
    assert moved is not None
    assert moved.channel == "C2"
