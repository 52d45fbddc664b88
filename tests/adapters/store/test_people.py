"""A person's rows are found and renamed on both databases, in one workspace only."""

from tests.support.rows import NOON, event, put_post
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Says, Vote
from tierbot.use_cases.ports import Delivery, DeliveryKind


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
        assert tx.people.remove("U1") == 4
        assert tx.ledger.events("C1", "1.0") == []
        assert tx.ledger.votes(["p1"]) == {"p1": []}
        assert tx.workspaces.audit_trail(9)[0]["who"] == "anon-removed"
