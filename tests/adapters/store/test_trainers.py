"""What trainers told us, and the invitations they were sent."""

from dataclasses import replace

import pytest

from tests.support.rows import MINUTE, NOON, TEAM, event, put_post
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.domain.nouns import Invitation, Trainer

INVITATION = Invitation("i1", "p1", "U1", "D1", NOON)


def test_a_trainer_who_never_said_anything_is_there_with_nothing_said(store: SqlStore) -> None:
    with store.read(TEAM) as tx:
        assert tx.trainers.get("U1") == Trainer("U1")
        assert tx.trainers.opted_out() == {}


def test_what_a_trainer_said_replaces_what_they_said_before(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.trainers.put(Trainer("U1", "anna", True, {"thanked": [3]}))
        tx.trainers.put(Trainer("U2", "ben"))
        assert tx.trainers.get("U1") == Trainer("U1", "anna", True, {"thanked": [3]})
        assert tx.trainers.opted_out() == {"U1": "anna"}
        tx.trainers.put(Trainer("U1", "anna"))
        assert tx.trainers.opted_out() == {}
    with store.read("T2") as tx:
        assert tx.trainers.get("U2") == Trainer("U2"), "another workspace's"


def test_an_invitation_leads_to_its_post_once_it_stands_in_slack(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        post = put_post(tx)
        assert tx.posts.invite(INVITATION)
        assert not tx.posts.invite(replace(INVITATION, channel="D2"))
        assert tx.posts.invitation("i1") == INVITATION
        assert tx.posts.at("D1", "200.000001") is None
        tx.posts.invited("i1", "200.000001", NOON + MINUTE)
        tx.posts.invited("i1", "300.000001", NOON + MINUTE)
        placed = replace(INVITATION, ts="200.000001", sent_at=NOON + MINUTE)
        assert tx.posts.invitation("i1") == placed
        assert tx.posts.at("D1", "200.000001") == post
        assert tx.posts.at("D1", "300.000001") is None
        assert tx.posts.at("C1", "200.000001") is None
    with store.read("T2") as tx:
        assert tx.posts.at("D1", "200.000001") is None, "another workspace's"


def test_invitations_are_found_by_post_by_user_and_by_when_they_were_sent(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "p1")
        put_post(tx, "p2", ts="100.000002")
        later = Invitation("i2", "p2", "U1", "D1", NOON + MINUTE)
        for one in (INVITATION, later, Invitation("i3", "p2", "U2", "D2", NOON)):
            tx.posts.invite(one)
        assert [one.id for one in tx.posts.invitations(user="U1")] == ["i2", "i1"]
        assert [one.id for one in tx.posts.invitations(post_id="p2")] == ["i2", "i3"]
        assert tx.posts.invitations(since=NOON) == []
        tx.posts.invited("i1", "200.000001", NOON + MINUTE)
        assert [one.id for one in tx.posts.invitations(since=NOON + MINUTE)] == ["i1"]
        assert tx.posts.invitations(user="U1", since=NOON + 2 * MINUTE) == []


def test_reactions_that_came_before_the_invitation_was_recorded_are_read_again(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.posts.invite(INVITATION)
        tx.ledger.append(event(channel="D1", ts="200.000001"))
        tx.ledger.tallied("D1", "200.000001", tx.ledger.cursor("D1", "200.000001"))
        assert tx.ledger.untallied(9) == []
        tx.posts.invited("i1", "200.000001", NOON)
        assert tx.ledger.untallied(9) == [("D1", "200.000001")]


def test_an_invitation_to_a_post_that_is_not_there_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError), store.begin(TEAM) as tx:
        tx.posts.invite(INVITATION)
