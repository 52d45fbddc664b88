"""A person's rows are found and renamed on both databases, in one workspace only."""

from dataclasses import replace

from tests.support.rows import MINUTE, NOON, TEAM, event, put_post, round_, verdict
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Invitation, Says, Vote
from tierbot.use_cases.ports import Delivery, DeliveryKind, Doubt, Transaction


def fill(store: SqlStore, team: str) -> None:
    with store.begin(team) as tx:
        put_post(tx, "p1", ts="1.0")
        tx.ledger.append(event("e1", ts="1.0"))
        tx.ledger.replace_votes("p1", [Vote("U1", Says.NAMES, NOON, "food")], 1)
        news = {"champion": "U1", "others": ["U11", "U1"]}
        tx.outbox.add([Delivery("o1", DeliveryKind.ANNOUNCE, "C1", news, NOON, NOON)])
        tx.workspaces.audit("U1", "pause", None, True, NOON)


def test_anonymising_renames_everywhere_and_touches_no_other_person_or_workspace(store: SqlStore) -> None:
    for team in ("T1", "T2"):
        fill(store, team)
    with store.begin("T1") as tx:
        assert tx.people.anonymize("U1", "anon-1") == 4
    with store.read("T1") as tx:
        assert [one.user for one in tx.ledger.events("C1", "1.0")] == ["anon-1"]
        assert tx.outbox.oldest().payload == {"champion": "anon-1", "others": ["U11", "anon-1"]}  # type: ignore[union-attr]
        assert not any(tx.people.export("U1").values())
    with store.read("T2") as tx:
        assert len(tx.people.export("U1")["reactions"]) == 1
        assert len(tx.people.export("U1")["mentioned_in"]) == 1


def test_removing_deletes_what_they_did(store: SqlStore) -> None:
    fill(store, "T1")
    with store.begin("T1") as tx:
        assert tx.people.remove("U1", NOON) == 4
        assert tx.ledger.events("C1", "1.0") == []
        assert tx.ledger.votes(["p1"]) == {"p1": []}
        assert tx.workspaces.audit_trail(9)[0]["who"] == "anon-removed"


LATER, BEFORE = NOON + 60 * MINUTE, NOON + 30 * MINUTE
VOTES = [Vote("U1", Says.NAMES, NOON, "food"), Vote("U2", Says.NAMES, LATER, "food")]


def play_two_rounds(tx: Transaction) -> None:
    """Let U1 and U2 judge one post of a frozen round and one, by direct message too, of the open one."""
    for number, key in ((1, "p1"), (2, "p2")):
        put_post(tx, key, ts=f"{number}.0", round_number=number)
        tx.ledger.append_all(
            [event(f"e{key}1", ts=f"{number}.0"), event(f"e{key}2", ts=f"{number}.0", happened_at=LATER)]
        )
        tx.ledger.replace_votes(key, VOTES, 1)
        tx.verdicts.add(verdict(key, ledger_cursor=1, voters=2))
        tx.rounds.open(round_(number))
    tx.posts.invite(Invitation("i1", "p2", "U1", "D1", NOON))
    tx.posts.invited("i1", "9.0", NOON)
    tx.ledger.append(event("ei1", channel="D1", ts="9.0"))
    tx.rounds.freeze(replace(round_(), frozen_at=LATER), [])


def test_retention_deletes_what_is_older_but_for_the_open_round_and_makes_verdicts_final(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        play_two_rounds(tx)
        assert tx.people.posts_to_expire(BEFORE) == {"p1": 2}
        deleted = tx.people.expire_posts(["p1", "p2"], BEFORE, LATER)
        assert deleted == {"reactions": 1, "votes": 1, "invitations": 0}
        assert tx.people.posts_to_expire(BEFORE) == {}
        assert tx.people.expire_other_reactions(BEFORE, 9) == 0
        assert [one.event_id for one in tx.ledger.events("C1", "1.0")] == ["ep12"]
        assert len(tx.ledger.events("C1", "2.0")) == 2
        assert len(tx.ledger.events("D1", "9.0")) == 1
        assert (tx.posts.is_final("p1"), tx.posts.is_final("p2")) == (True, False)
        for key in ("p1", "p2"):
            tx.ledger.replace_votes(key, [VOTES[1]], 7)
        assert [post.id for post in tx.posts.unsettled()] == ["p2"]
        assert tx.ledger.cursors(["p1", "p2"]) == {"p1": 1, "p2": 7}


def test_a_posts_reactions_in_direct_messages_go_with_it_and_those_to_other_messages_in_portions(
    store: SqlStore,
) -> None:
    with store.begin(TEAM) as tx:
        play_two_rounds(tx)
        tx.rounds.freeze(replace(round_(2), frozen_at=LATER), [])
        tx.ledger.append_all([event(f"e{number}", ts=f"7.{number}") for number in range(3)])
        tx.ledger.append(event("new", ts="7.1", happened_at=LATER))
        assert tx.people.posts_to_expire(BEFORE) == {"p1": 2, "p2": 3}
        deleted = tx.people.expire_posts(["p1", "p2"], BEFORE, LATER)
        assert deleted == {"reactions": 3, "votes": 2, "invitations": 1}
        assert tx.ledger.events("D1", "9.0") == []
        assert [tx.people.expire_other_reactions(BEFORE, 2) for _ in range(3)] == [2, 1, 0]
        assert [one.event_id for one in tx.ledger.events("C1", "7.1")] == ["new"]


def test_without_a_vote_that_is_old_no_verdict_becomes_final(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        play_two_rounds(tx)
        assert tx.people.posts_to_expire(NOON) == {}
        tx.people.expire_posts(["p1"], NOON, LATER)
        assert not tx.posts.is_final("p1")


def test_removing_a_person_makes_verdicts_of_frozen_rounds_final(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        play_two_rounds(tx)
        tx.people.remove("U2", LATER)
        assert (tx.posts.is_final("p1"), tx.posts.is_final("p2")) == (True, False)


def test_a_person_is_told_the_doubts_that_name_them(store: SqlStore) -> None:
    doubt = Doubt("d1", "brigade", ("U1", "U2"), None, 6, 1.5, 8, 0.01, "named the same", (), NOON)
    with store.begin(TEAM) as tx:
        tx.doubts.put([doubt])
        assert [one["id"] for one in tx.people.export("U2")["doubts"]] == ["d1"]
        assert tx.people.export("U")["doubts"] == []
