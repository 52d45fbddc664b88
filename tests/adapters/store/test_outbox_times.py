"""The outbox and time: when it stands still, what a clock that was set back changes, and what is old enough to go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.rows import MINUTE, NOON, TEAM, delivery, put_post
from tierbot.adapters.store import SqlStore
from tierbot.use_cases.ports import ClosedChannel, DeliveryKind, DeliveryState, Search, Transaction

LATER = NOON + 10 * MINUTE
SECOND = timedelta(seconds=1)


def still(tx: Transaction, minutes: int = 5) -> bool:
    return tx.outbox.is_stalled(LATER, minutes * MINUTE)


def test_an_outbox_stands_still_when_something_was_due_for_longer_than_the_patience(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert not still(tx), "there is nothing"
        tx.outbox.add([delivery("one", due_at=LATER - 5 * MINUTE + SECOND)])
        assert not still(tx)
        tx.outbox.add([delivery("two", due_at=LATER - 5 * MINUTE)])
        assert still(tx)
    with store.begin("T2") as tx:
        assert not still(tx), "another workspace's"


def test_an_outbox_does_not_stand_still_while_something_was_sent(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("sent"), delivery("waits")])
        (claimed,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        tx.outbox.done(claimed, "1.0", LATER - 5 * MINUTE + SECOND)
        assert not still(tx)
        assert not tx.outbox.is_stalled(LATER + SECOND - timedelta(microseconds=1), 5 * MINUTE)
        assert tx.outbox.is_stalled(LATER + SECOND, 5 * MINUTE), "as long ago as the patience"


def test_an_outbox_stands_still_when_slack_has_not_answered_four_times(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one")])
        for failures, stands in ((3, False), (4, True), (5, True)):
            (claimed,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
            tx.outbox.retry(claimed, NOON, "no answer", failures=failures)
            assert tx.outbox.is_stalled(NOON, 5 * MINUTE) == stands
        (claimed,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        assert tx.outbox.is_stalled(NOON, 5 * MINUTE), "it is tried again"
        tx.outbox.park(claimed, "no")
        assert not tx.outbox.is_stalled(NOON, 5 * MINUTE)


def test_what_is_in_hand_or_decided_does_not_stand_still(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one"), delivery("two"), delivery("three")])
        tx.outbox.drop(["two"], NOON)
        first, second = tx.outbox.claim(NOON, LATER + MINUTE, 2)
        assert not still(tx)
        tx.outbox.park(second, "no")
        tx.outbox.done(first, "1.0", NOON)
        assert not still(tx)


@pytest.mark.parametrize("why", ["pace", "channel", "post"])
def test_what_is_held_back_does_not_stand_still(store: SqlStore, why: str) -> None:
    with store.begin(TEAM) as tx:
        if why == "post":
            put_post(tx, ts=None)
            tx.outbox.add([delivery("one", kind=DeliveryKind.PREFILL, payload={"post_id": "p1", "emoji": "pizza"})])
        else:
            tx.outbox.add([delivery("one")])
        if why == "pace":
            tx.outbox.hold(DeliveryKind.ANNOUNCE, LATER + SECOND)
        if why == "channel":
            tx.channels.close(ClosedChannel("C1", "is_archived", NOON, LATER + SECOND))
        assert not still(tx)
        if why != "post":
            assert tx.outbox.is_stalled(LATER + SECOND, 5 * MINUTE)


# --- a clock that was set back --------------------------------------------------------------------


def test_what_lies_ahead_comes_sooner_by_the_step_and_not_before_now(store: SqlStore) -> None:
    step = 30 * MINUTE
    with store.begin(TEAM) as tx:
        for name, minutes in (("past", -5), ("now", 0), ("soon", 20), ("later", 45), ("parked", 50), ("done", 50)):
            tx.outbox.add([delivery(name, due_at=NOON + minutes * MINUTE)])
        tx.outbox.add([delivery("dropped", due_at=NOON + 50 * MINUTE)])
        tx.outbox.drop(["dropped"], NOON)
        ended = {one.id: one for one in tx.outbox.claim(NOON + 60 * MINUTE, NOON + 61 * MINUTE, 9)}
        tx.outbox.park(ended["parked"], "no")
        tx.outbox.done(ended["done"], "1.0", NOON + 60 * MINUTE)
        for name in ("past", "now", "soon", "later"):
            tx.outbox.retry(ended[name], ended[name].due_at, "again")
    with store.begin("T2") as tx:
        tx.outbox.add([delivery("others", due_at=NOON + 45 * MINUTE)])
    with store.begin(TEAM) as tx:
        tx.outbox.reschedule(step, NOON)
        due = {one.id: (one.due_at - NOON) / MINUTE for one in tx.outbox.unsent()}
    assert due == {"past": -5, "now": 0, "soon": 0, "later": 15, "parked": 50}
    with store.read("T2") as tx:
        assert tx.outbox.unsent()[0].due_at == NOON + 45 * MINUTE


def test_a_lease_that_lies_ahead_ends_sooner_and_its_search_begins_earlier(store: SqlStore) -> None:
    step = 30 * MINUTE
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one"), delivery("two")])
        tx.outbox.claim(NOON, NOON + 45 * MINUTE, 1)
        (second,) = tx.outbox.claim(NOON, NOON + MINUTE, 1)
        search = Search(NOON, NOON + MINUTE, wide=True, cursor="c1", waited=3.0, failures=2)
        tx.outbox.retry(second, NOON + MINUTE, "looking", search=search)
        tx.outbox.reschedule(step, NOON)
        held, searched = tx.outbox.unsent()
        assert held.search == Search(NOON - step, NOON + 45 * MINUTE)
        assert searched.search == replace(search, since=NOON - step, cursor=None), "a cursor is of the old span"
        free = [one.id for one in tx.outbox.claim(NOON + 15 * MINUTE - SECOND, LATER, 9)]
        assert free == ["two"]
        assert [one.id for one in tx.outbox.claim(NOON + 15 * MINUTE, NOON + 99 * MINUTE, 9)] == ["one", "two"]


def test_pauses_that_lie_ahead_end_now(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one"), delivery("two", channel="C2")])
        tx.outbox.hold(DeliveryKind.ANNOUNCE, NOON + MINUTE)
        tx.channels.close(ClosedChannel("C2", "is_archived", NOON, NOON + MINUTE))
        tx.outbox.reschedule(MINUTE, NOON)
        assert [one.id for one in tx.outbox.claim(NOON, LATER, 9)] == ["one", "two"]


# --- what is old enough to go ---------------------------------------------------------------------


def test_what_ended_before_then_goes_and_what_ended_just_then_stays(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one"), delivery("two")])
        one, two = tx.outbox.claim(NOON, NOON + MINUTE, 9)
        tx.outbox.done(one, "1.0", NOON - SECOND)
        tx.outbox.done(two, "2.0", NOON)
        assert tx.outbox.prune(NOON, 9) == 1
        assert tx.outbox.result("two") == "2.0"


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.PARKED])
def test_what_an_unsent_delivery_comes_after_stays_and_a_sent_one_keeps_nothing(
    store: SqlStore, state: DeliveryState
) -> None:
    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("first"), delivery("other")])
        for one in tx.outbox.claim(NOON, NOON + MINUTE, 9):
            tx.outbox.done(one, "1.0", NOON)
        tx.outbox.add([delivery("reply", after_id="first"), delivery("sent", after_id="other"), delivery("alone")])
        reply, sent, alone = tx.outbox.claim(NOON, LATER, 9)
        tx.outbox.done(sent, "2.0", LATER)
        if state is DeliveryState.PENDING:
            tx.outbox.retry(reply, LATER, "again")
        elif state is DeliveryState.PARKED:
            tx.outbox.park(reply, "no")
        tx.outbox.park(alone, "no")
        assert tx.outbox.prune(NOON + SECOND, 9) == 1
        assert (tx.outbox.result("first"), tx.outbox.result("other")) == ("1.0", None)


def test_a_pause_that_ends_just_then_stays_until_it_has_ended(store: SqlStore) -> None:
    def held(tx: Transaction) -> bool:
        return not tx.outbox.claim(NOON - SECOND, NOON, 9)

    with store.begin(TEAM) as tx:
        tx.outbox.add([delivery("one", due_at=NOON - MINUTE)])
        tx.outbox.hold(DeliveryKind.ANNOUNCE, NOON)
        tx.outbox.prune(NOON, 9)
        assert held(tx)
        tx.outbox.prune(NOON + SECOND, 9)
        assert not held(tx)
