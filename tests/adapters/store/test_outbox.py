"""The outbox: claimed by one at a time, in order, and never again once done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.rows import MINUTE, NOON, TEAM, delivery, put_post
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.ports import (
    ClosedChannel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Search,
    Transaction,
    Workspace,
)

POST = delivery("o-post", kind=DeliveryKind.POST, payload={"post_id": "p1"})
PREFILL = delivery("o-prefill", kind=DeliveryKind.PREFILL, payload={"post_id": "p1", "emoji": "pizza"})


def claimed(tx: Transaction, minutes: int = 0, limit: int = 9) -> list[Delivery]:
    now = NOON + minutes * MINUTE
    return tx.outbox.claim(now, now + 5 * MINUTE, limit)


def claim(tx: Transaction, minutes: int = 0, limit: int = 9) -> list[str]:
    return [one.id for one in claimed(tx, minutes, limit)]


def test_a_delivery_is_added_once_and_claimed_as_it_was(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.outbox.add([delivery(), delivery("o2"), delivery("o2")]) == 2
        assert tx.outbox.add([delivery(channel="C2")]) == 0
        assert tx.outbox.claim(NOON, NOON + MINUTE, 1) == [delivery()]
        assert claim(tx) == ["o2"]
        assert claim(tx) == []


def test_what_is_not_due_yet_waits(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery(due_at=NOON + timedelta(microseconds=1)), delivery("o2")])
        assert claim(tx) == ["o2"]
        assert claim(tx, minutes=1) == ["o1"]


def test_a_claim_that_ran_out_is_given_again_and_says_that_it_may_have_been_sent(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        tx.outbox.claim(NOON, NOON + MINUTE, 1)
        assert tx.outbox.claim(NOON + MINUTE - timedelta(microseconds=1), NOON + 9 * MINUTE, 1) == []
        again = tx.outbox.claim(NOON + MINUTE, NOON + 9 * MINUTE, 1)
        tried = Search(NOON, NOON + MINUTE)
        assert again == [replace(delivery(), state=DeliveryState.SENDING, attempts=1, search=tried)]


def test_what_is_done_stays_done(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        (mine,) = claimed(tx)
        assert tx.outbox.done(mine, "1.0", NOON)
        assert not tx.outbox.retry(mine, NOON, "late")
        assert not tx.outbox.park(mine, "late")
        assert tx.outbox.add([delivery()]) == 0
        assert claim(tx, minutes=99) == []
        assert (tx.outbox.result("o1"), tx.outbox.result("o2")) == ("1.0", None)
        assert tx.outbox.counts() == {**dict.fromkeys(DeliveryState, 0), DeliveryState.DONE: 1}


def test_a_retry_comes_when_it_is_due_with_its_error(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        (mine,) = claimed(tx)
        assert tx.outbox.retry(mine, NOON + 2 * MINUTE, "no answer")
        assert claim(tx, minutes=1) == []
        (again,) = tx.outbox.claim(NOON + 2 * MINUTE, NOON + 9 * MINUTE, 1)
        assert (again.state, again.error, again.attempts) == (DeliveryState.PENDING, "no answer", 1)


def test_what_is_parked_is_listed_and_not_claimed(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery(), delivery("o2")])
        first, second = claimed(tx)
        assert tx.outbox.park(first, "channel_not_found")
        assert tx.outbox.done(second, None, NOON)
        assert claim(tx, minutes=99) == []
        assert tx.outbox.parked() == [
            replace(delivery(), state=DeliveryState.PARKED, attempts=1, error="channel_not_found")
        ]


def test_a_prefill_waits_until_its_post_stands_in_slack(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "p1", ts=None)
        put_post(tx, "p2", ts="2.0")
        tx.outbox.add([PREFILL, POST])
        (post,) = claimed(tx)
        assert post.id == "o-post"
        assert claim(tx, minutes=1) == []
        assert tx.outbox.done(post, "1.0", NOON)
        tx.posts.sent("p1", "1.0", NOON)
        assert claim(tx, minutes=1) == ["o-prefill"]


def test_the_prefills_of_a_post_that_is_parked_are_parked_with_it(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        tx.outbox.add([POST, PREFILL, delivery("other")])
        (post,) = claimed(tx, limit=1)
        assert tx.outbox.park(post, "is_archived")
        assert [(one.id, one.error) for one in tx.outbox.parked()] == [
            ("o-post", "is_archived"),
            ("o-prefill", "its post was not sent"),
        ]
        assert claim(tx) == ["other"]


def test_a_hold_stops_its_kind_also_for_what_is_added_later(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([POST])
        tx.outbox.hold(DeliveryKind.POST, NOON + 2 * MINUTE)
        tx.outbox.hold(DeliveryKind.POST, NOON + MINUTE)  # a shorter one changes nothing
        tx.outbox.add([replace(POST, id="o-later"), delivery()])
        assert claim(tx, minutes=1) == ["o1"]
        assert claim(tx, minutes=2) == ["o-post", "o-later"]


def test_a_hold_of_one_channel_delays_no_other(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery(), delivery("o2", channel="C2")])
        tx.outbox.hold(delivery().kind, NOON + MINUTE, delivery().channel)
        assert claim(tx) == ["o2"]
        tx.outbox.add([delivery("o3", channel="C2")])
        tx.outbox.hold(delivery().kind, NOON + 2 * MINUTE)
        assert claim(tx, minutes=1) == [], "a rate limit holds every channel"
        assert claim(tx, minutes=2) == ["o1", "o3"]


def test_what_waits_or_is_held_falls_due_when_it_is_released(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([POST, delivery()])
        (post, other) = claimed(tx)
        tx.outbox.retry(post, NOON + 5 * MINUTE, "token_revoked")
        tx.outbox.retry(other, NOON + 5 * MINUTE, "token_revoked")
        tx.outbox.hold(DeliveryKind.POST, NOON + 5 * MINUTE)
        assert claim(tx, minutes=1) == []
        tx.outbox.release(NOON + MINUTE)
        assert claim(tx, minutes=1) == ["o-post", "o1"]


def test_deliveries_go_in_the_order_in_which_they_were_added(store: SqlStore) -> None:
    added: list[Delivery] = [delivery(f"o{number}") for number in (3, 1, 2)]
    with store.begin(TEAM) as tx:
        tx.outbox.add(added)
        assert claim(tx, limit=2) == ["o3", "o1"]
        assert claim(tx) == ["o2"]


def test_what_waits_for_a_post_is_found_until_it_is_claimed(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([POST, PREFILL, replace(POST, id="o-other", payload={"post_id": "p2"})])
        assert [one.id for one in tx.outbox.waiting(DeliveryKind.POST, "p1")] == ["o-post"]
        claim(tx)
        assert tx.outbox.waiting(DeliveryKind.POST, "p1") == []


@pytest.mark.parametrize(
    "outcome",
    [
        lambda tx, mine: tx.outbox.done(mine, "1.0", NOON),
        lambda tx, mine: tx.outbox.retry(mine, NOON, "late"),
        lambda tx, mine: tx.outbox.park(mine, "late"),
    ],
    ids=["done", "retry", "park"],
)
def test_a_claim_that_another_has_taken_over_writes_no_outcome_any_more(
    store: SqlStore, opened: Callable[[], SqlStore], outcome: Callable[[Transaction, Delivery], bool]
) -> None:
    heir = opened()
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        tx.outbox.add([POST, PREFILL])
        (stale,) = claimed(tx)
    with heir.begin(TEAM) as tx:
        (fresh,) = claimed(tx, minutes=6)
    with store.begin(TEAM) as tx:
        assert not outcome(tx, stale)
        assert tx.outbox.counts()[DeliveryState.SENDING] == 1
        assert claim(tx, minutes=7) == [], "it is in the heir's hands, and its pre-fill waits"
        assert tx.outbox.parked() == []
    with heir.begin(TEAM) as tx:
        assert outcome(tx, fresh)


def test_a_claim_that_ran_out_and_was_taken_by_nobody_still_writes_its_outcome(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        (mine,) = claimed(tx)
        assert tx.outbox.done(mine, "1.0", NOON + 99 * MINUTE)
        assert claim(tx, minutes=99) == []


def test_what_was_not_claimed_has_no_outcome(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        assert not tx.outbox.done(delivery(), None, NOON)
        assert not tx.outbox.park(delivery("nobody"), "?")
        assert claim(tx) == ["o1"]


def test_revisions_of_one_post_go_one_after_another_and_those_of_others_at_once(store: SqlStore) -> None:
    def revision(key: str, post_id: str) -> Delivery:
        return delivery(key, kind=DeliveryKind.UPDATE, payload={"post_id": post_id})

    with store.begin(TEAM) as tx:
        put_post(tx, "p1")
        put_post(tx, "p2", ts="100.000002")
        tx.outbox.add([revision("u1", "p1")])
        assert [one.id for one in tx.outbox.waiting(DeliveryKind.UPDATE, "p1")] == ["u1"]
        (first,) = claimed(tx)
        assert tx.outbox.waiting(DeliveryKind.UPDATE, "p1") == []
        tx.outbox.add([revision("u2", "p1"), revision("u3", "p2")])
        assert claim(tx) == ["u3"]
        assert tx.outbox.done(first, None, NOON)
        assert claim(tx) == ["u2"]
        tx.outbox.add([revision("u4", "p1")])
        assert claim(tx, minutes=6, limit=1) == ["u2"], "its claim ran out: it goes first"
        assert claim(tx, minutes=6) == ["u3"], "and the later one waits for it again"


def test_a_revision_waits_for_its_post(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "p1", ts=None)
        tx.outbox.add([delivery("u1", kind=DeliveryKind.UPDATE, payload={"post_id": "p1"})])
        assert claim(tx) == []
        tx.posts.sent("p1", "100.000001", NOON)
        assert claim(tx) == ["u1"]


def test_the_oldest_is_what_fell_due_first_of_all_that_is_not_sent(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.outbox.oldest() is None
        late = delivery("late", due_at=NOON - 9 * MINUTE)
        tx.outbox.add([delivery("parked", due_at=NOON - 99 * MINUTE), delivery("soon"), late])
        (parked,) = claimed(tx, limit=1)
        assert tx.outbox.park(parked, "no")
        assert tx.outbox.oldest() == late
        (soon, sent) = claimed(tx)
        assert (soon.id, sent.id) == ("soon", "late")
        assert tx.outbox.done(sent, "1.0", NOON)
        oldest = tx.outbox.oldest()
        assert oldest is not None
        assert (oldest.id, oldest.state) == ("soon", DeliveryState.SENDING)


def ids(claimed: list[Delivery]) -> list[str]:
    return [one.id for one in claimed]


def test_what_has_priority_goes_before_what_was_queued_earlier_and_alone(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("early"), delivery("words", priority=1)])
        (words,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        assert words.id == "words"
        assert tx.outbox.claim(NOON, NOON + MINUTE, 9) == [], "another process waits, too"
        tx.outbox.done(words, "1.0", NOON)
        assert ids(tx.outbox.claim(NOON, NOON + MINUTE, 9)) == ["early"]


def test_two_with_priority_go_at_once(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one", priority=1), delivery("two", priority=1), delivery("plain", priority=0)])
        assert [claim(tx, limit=1), claim(tx)] == [["one"], ["two"]]


def test_what_may_have_been_sent_comes_after_what_surely_was_not(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("doubtful"), delivery("fresh")])
        (mine,) = claimed(tx, limit=1)
        assert tx.outbox.retry(mine, NOON, "no answer", search=Search(NOON, NOON + MINUTE))
        assert claim(tx) == ["fresh", "doubtful"]


def test_a_priority_of_zero_is_none(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("early"), delivery("plain", priority=0)])
        assert [claim(tx, limit=1), claim(tx)] == [["early"], ["plain"]]
        tx.outbox.add([delivery("next")])
        assert claim(tx) == ["next"]


def test_a_claim_with_priority_that_ran_out_holds_nothing_up(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("early"), delivery("words", priority=1)])
        tx.outbox.claim(NOON, NOON + MINUTE, 1)
        later = NOON + MINUTE
        assert ids(tx.outbox.claim(later, later + MINUTE, 9)) == ["words", "early"]


@pytest.mark.parametrize("parked", [False, True])
def test_what_comes_after_another_delivery_waits_until_that_has_ended(store: SqlStore, parked: bool) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("picture", after_id="words"), delivery("words")])
        (words,) = tx.outbox.claim(NOON, NOON + MINUTE, 9)
        assert words.id == "words"
        assert tx.outbox.claim(NOON, NOON + MINUTE, 9) == []
        assert tx.outbox.park(words, "no") if parked else tx.outbox.done(words, "1.0", NOON)
        assert ids(tx.outbox.claim(NOON, NOON + MINUTE, 9)) == ["picture"]


def revision(key: str, post_id: str = "p2") -> Delivery:
    return delivery(key, kind=DeliveryKind.UPDATE, payload={"post_id": post_id})


def test_what_holds_another_workspace_up_holds_nothing_up_here(store: SqlStore) -> None:
    later = NOON + 9 * MINUTE
    with store.begin("T2") as tx:
        put_post(tx)
        put_post(tx, "p2", ts="2.0")
        tx.outbox.add([revision("theirs")])
        assert claim(tx) == ["theirs"]
        tx.outbox.add([delivery("words", priority=1)])
        assert claim(tx) == ["words"]
        for kind in DeliveryKind:
            tx.outbox.hold(kind, later)
        tx.channels.close(ClosedChannel("C1", "is_archived", NOON, later))
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        put_post(tx, "p2", ts="2.0")
        tx.outbox.add([delivery(), revision("ours"), delivery("picture", after_id="words"), PREFILL])
        assert claim(tx) == ["o1", "ours", "picture"], "only the pre-fill waits, for the post of this workspace"
        tx.outbox.release(later)
    with store.begin("T2") as tx:
        tx.outbox.add([delivery("held")])
        assert claim(tx) == []


def test_a_revision_does_not_wait_for_a_pre_fill_of_its_post(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([PREFILL])
        assert claim(tx) == ["o-prefill"]
        tx.outbox.add([revision("u1", "p1")])
        assert claim(tx) == ["u1"]
        tx.outbox.add([replace(PREFILL, id="next")])
        assert claim(tx) == ["next"], "nor the other way round"


def test_what_is_dropped_or_tried_again_takes_only_its_own_pre_fills_along(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for key in ("p1", "p2"):
            put_post(tx, key, ts=None)
            tx.outbox.add(
                [
                    delivery(f"post-{key}", kind=DeliveryKind.POST, payload={"post_id": key}),
                    delivery(f"fill-{key}", kind=DeliveryKind.PREFILL, payload={"post_id": key, "emoji": "pizza"}),
                ]
            )
        for mine in claimed(tx):
            assert tx.outbox.park(mine, "is_archived")
        assert tx.outbox.again(["post-p1"], NOON) == 2
        assert ids(tx.outbox.parked()) == ["post-p2", "fill-p2"]
        assert tx.outbox.drop(["post-p2"], NOON) == 2
        assert ids(tx.outbox.unsent()) == ["post-p1", "fill-p1"]
        assert tx.outbox.again(["post-p2"], NOON) == tx.outbox.drop(["post-p2"], NOON) == 0, "it was decided"


def test_what_is_decided_about_another_delivery_of_a_post_leaves_its_pre_fills(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        tx.outbox.add([POST, PREFILL])
        (mine,) = claimed(tx)
        assert tx.outbox.park(mine, "is_archived")
        tx.posts.sent("p1", "1.0", NOON)
        tx.outbox.add([revision("u1", "p1")])
        assert tx.outbox.again(["u1"], NOON) == tx.outbox.drop(["u1"], NOON) == 1
        assert ids(tx.outbox.parked()) == ["o-post", "o-prefill"]


def test_what_is_tried_again_starts_with_a_clean_record(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        (mine,) = claimed(tx)
        assert tx.outbox.retry(mine, NOON + MINUTE, "no answer", failures=4)
        assert tx.outbox.again(["o1"], NOON) == 1
        (again,) = claimed(tx)
        assert (again.failures, again.error, again.due_at) == (0, None, NOON)


def test_a_closed_channel_is_tried_at_once_when_everything_is_released(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery()])
        tx.channels.close(ClosedChannel("C1", "is_archived", NOON, NOON + 9 * MINUTE))
        assert claim(tx, minutes=1) == []
        tx.outbox.release(NOON + MINUTE)
        assert claim(tx, minutes=1) == ["o1"]


def test_what_is_open_is_counted_by_its_kind(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.outbox.add([POST, replace(POST, id="second"), PREFILL, delivery(), delivery("o2")])
        (mine, *_) = claimed(tx, limit=1)
        assert (tx.outbox.count_open(DeliveryKind.POST), tx.outbox.count_open(DeliveryKind.ANNOUNCE)) == (2, 2)
        assert tx.outbox.done(mine, "1.0", NOON)
        assert tx.outbox.count_open(DeliveryKind.POST) == 1


def test_only_a_workspace_with_something_due_is_told(store: SqlStore) -> None:
    for team in (TEAM, "T2"):
        with store.begin(team) as tx:
            tx.workspaces.put(Workspace(team, team, NOON))
    with store.begin("T2") as tx:
        tx.outbox.add([delivery()])
    assert store.due_ids(NOON) == ["T2"]
