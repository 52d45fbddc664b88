"""The ledger: every event once, what is new found cheaply, votes never older than those that stand."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.rows import MINUTE, NOON, TEAM, event, put_post
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Origin, Says, Source, Vote


def test_an_event_comes_back_as_it_went_in(store: SqlStore) -> None:
    told = event(source=Source.MENU, origin=Origin.RECONCILED, added=False)
    with store.begin(TEAM) as tx:
        assert tx.ledger.append(told)
        assert tx.ledger.events("C1", "100.000001") == [told]


def test_an_event_delivered_again_is_not_counted_again(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.ledger.append(event())
        assert not tx.ledger.append(event())
    with store.begin(TEAM) as tx:
        assert not tx.ledger.append(event(name="other"))
        assert tx.ledger.events("C1", "100.000001") == [event()]


def test_the_cursor_grows_with_a_messages_own_events_only(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.ledger.cursor("C1", "100.000001") == 0
        tx.ledger.append(event("e1"))
        first = tx.ledger.cursor("C1", "100.000001")
        tx.ledger.append(event("e2", ts="200.000001"))
        assert tx.ledger.cursor("C1", "100.000001") == first > 0
        tx.ledger.append(event("e3"))
        assert tx.ledger.cursor("C1", "100.000001") > tx.ledger.cursor("C1", "200.000001") > first


def test_messages_with_unread_events_are_listed_until_they_are_tallied(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for number, ts in enumerate(("1.0", "2.0", "1.0", "3.0")):
            tx.ledger.append(event(f"e{number}", ts=ts))
        assert tx.ledger.untallied(10) == [("C1", "2.0"), ("C1", "1.0"), ("C1", "3.0")]
        assert tx.ledger.untallied(1) == [("C1", "2.0")]
        tx.ledger.tallied("C1", "2.0", tx.ledger.cursor("C1", "2.0"))
        assert tx.ledger.untallied(10) == [("C1", "1.0"), ("C1", "3.0")]
        tx.ledger.append(event("e9", ts="2.0"))
        assert ("C1", "2.0") in tx.ledger.untallied(10)


def test_a_tally_of_less_than_the_ledger_leaves_the_message_untallied(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.ledger.append(event("e1"))
        read = tx.ledger.cursor("C1", "100.000001")
        tx.ledger.append(event("e2"))
        tx.ledger.tallied("C1", "100.000001", read)
        assert tx.ledger.untallied(10) == [("C1", "100.000001")]


def test_a_reaction_that_comes_before_slacks_answer_is_tallied_again_once_the_post_stands(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, ts=None)
        tx.ledger.append(event())
        tx.ledger.tallied("C1", "100.000001", tx.ledger.cursor("C1", "100.000001"))
        assert tx.ledger.untallied(10) == []
        tx.posts.sent("p1", "100.000001", NOON)
        assert tx.ledger.untallied(10) == [("C1", "100.000001")]


def test_votes_are_replaced_whole_and_come_back_in_the_order_given(store: SqlStore) -> None:
    pizza, law = Vote("U1", Says.NAMES, NOON, "food"), Vote("U1", Says.NAMES, NOON + MINUTE, "law")
    wrong = Vote("U2", Says.REJECTS, NOON + timedelta(microseconds=1))
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.ledger.replace_votes("p1", [law, pizza, wrong], 3)
        assert tx.ledger.votes(["p1", "p2"]) == {"p1": [pizza, wrong, law], "p2": []}
        tx.ledger.replace_votes("p1", [wrong], 4)
        assert tx.ledger.votes(["p1"]) == {"p1": [wrong]}
        assert tx.ledger.cursors(["p1"]) == {"p1": 4}


def test_votes_derived_from_less_of_the_ledger_do_not_replace_newer_ones(store: SqlStore) -> None:
    newer, older = Vote("U1", Says.UNSURE, NOON), Vote("U2", Says.UNSURE, NOON)
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.ledger.replace_votes("p1", [newer], 9)
        tx.ledger.replace_votes("p1", [older], 8)
        assert tx.ledger.votes(["p1"]) == {"p1": [newer]}
        assert tx.ledger.cursors(["p1"]) == {"p1": 9}


def test_a_rounds_votes_come_in_one_query_and_leave_other_rounds_out(store: SqlStore) -> None:
    vote = Vote("U1", Says.NAMES, NOON, "food")
    with store.begin(TEAM) as tx:
        for number in (1, 2):
            put_post(tx, f"p{number}", ts=f"{number}.0", round_number=number)
            tx.ledger.replace_votes(f"p{number}", [vote], 1)
        put_post(tx, "p3", ts="3.0", round_number=2)
        assert tx.ledger.votes_in_round(2) == {"p2": [vote]}


def test_a_trainers_own_votes_come_newest_first(store: SqlStore) -> None:
    votes = [Vote("U1", Says.NAMES, NOON + number * MINUTE, "food") for number in range(3)]
    with store.begin(TEAM) as tx:
        for number, vote in enumerate(votes):
            put_post(tx, f"p{number}", ts=f"{number}.0")
            tx.ledger.replace_votes(f"p{number}", [vote, Vote("U2", Says.UNSURE, NOON)], 1)
        assert tx.ledger.votes_by("U1", NOON + MINUTE) == [("p2", votes[2]), ("p1", votes[1])]


def test_any_number_of_votes_on_one_post_is_kept(store: SqlStore) -> None:
    votes = [Vote(f"U{number:04}", Says.NAMES, NOON, "food") for number in range(1201)]
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.ledger.replace_votes("p1", votes, 1)
        assert tx.ledger.votes(["p1"])["p1"] == votes


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["1.0", "2.0"])), max_size=12))
def test_whatever_arrives_and_how_often_the_ledger_holds_each_event_once(
    store: SqlStore, arrivals: list[tuple[str, str]]
) -> None:
    team = f"T{hash(tuple(arrivals))}-{len(arrivals)}"
    first: dict[str, str] = {}
    with store.begin(team) as tx:
        for key, ts in arrivals:
            assert tx.ledger.append(event(key, ts=ts)) or key in first
            first.setdefault(key, ts)
        kept = [(told.event_id, ts) for ts in ("1.0", "2.0") for told in tx.ledger.events("C1", ts)]
        assert sorted(kept) == sorted(first.items())
        assert {ts for _, ts in tx.ledger.untallied(9)} == set(first.values())


def test_the_newest_event_of_an_origin_is_the_one_that_came_last(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.ledger.newest(Origin.EVENT) is None
        tx.ledger.append(event("e1"))
        tx.ledger.append(event("e2", happened_at=NOON - MINUTE))
        tx.ledger.append(event("e3", origin=Origin.RECONCILED))
        assert tx.ledger.newest(Origin.EVENT) == event("e2", happened_at=NOON - MINUTE)
        assert tx.ledger.newest(Origin.RECONCILED) == event("e3", origin=Origin.RECONCILED)


def test_events_appended_together_are_as_those_appended_one_by_one(store: SqlStore) -> None:
    events = [event(f"e{number}", ts=f"{number % 3}.0") for number in range(9)]
    with store.begin(TEAM) as tx:
        assert tx.ledger.append(events[4])
        assert tx.ledger.append_all([*events, events[0]]) == [number != 4 for number in range(9)] + [False]
        assert tx.ledger.append_all([]) == []
        assert {(channel, ts) for channel, ts in tx.ledger.untallied(9)} == {("C1", f"{n}.0") for n in range(3)}
        for number in range(3):
            known = tx.ledger.events("C1", f"{number}.0")
            assert {one.event_id for one in known} == {f"e{n}" for n in range(number, 9, 3)}
            tx.ledger.tallied("C1", f"{number}.0", tx.ledger.cursor("C1", f"{number}.0"))
        assert tx.ledger.untallied(9) == [], "the cursor is that of the last"


def test_what_no_tally_has_read_is_unread(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.ledger.append_all([event("e1"), event("e2", ts="other")])
        assert [one.event_id for one in tx.ledger.unread("C1", "100.000001")] == ["e1"]
        tx.ledger.tallied("C1", "100.000001", tx.ledger.cursor("C1", "100.000001"))
        assert tx.ledger.unread("C1", "100.000001") == []
        tx.ledger.append(event("e3"))
        assert [one.event_id for one in tx.ledger.unread("C1", "100.000001")] == ["e3"]
        assert tx.ledger.unread("C1", "nowhere") == []
