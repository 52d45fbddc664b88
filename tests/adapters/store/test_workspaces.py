"""The workspace: what is known of it, its tag space through all changes, its audit trail."""

from dataclasses import replace

import pytest

from tests.support.rows import MINUTE, NOON, TEAM
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.domain.nouns import Tag
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.use_cases.ports import Doubt, PushDraw, SmokeTestResult, Workspace

FOOD = Tag("food", "Food", "pizza", "🍕", "What we eat.", ("drink",))
DRINK = Tag("drink", "Drink", "beers", "🍻", "What we drink.", ("food",))
LAW = Tag("law", "Law", "scales", "⚖️", "Courts and rules.")


def test_a_workspace_is_kept_and_replaced(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.workspaces.get() is None
        tx.workspaces.put(Workspace(TEAM, "Team", NOON))
        tx.workspaces.put(Workspace(TEAM, "Team", NOON, paused=True))
        assert tx.workspaces.get() == Workspace(TEAM, "Team", NOON, paused=True)


def test_all_workspaces_are_listed(store: SqlStore) -> None:
    assert store.workspace_ids() == []
    for team in ("T2", "T1"):
        with store.begin(team) as tx:
            tx.workspaces.put(Workspace(team, team, NOON))
    assert store.workspace_ids() == ["T1", "T2"]


def test_a_transaction_stores_no_other_workspace(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="workspace T2"), store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace("T2", "Other", NOON))


def test_the_tag_space_keeps_its_order_and_every_field(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert list(tx.workspaces.tags()) == []
        tx.workspaces.put_tags(default_tag_space())
        assert list(tx.workspaces.tags()) == list(default_tag_space())


def test_a_retired_tag_stays_and_comes_back_under_its_id(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        first = TagSpace([FOOD, LAW])
        tx.workspaces.put_tags(first)
        tx.workspaces.put_tags(tx.workspaces.tags().updated([DRINK, FOOD], NOON))
        kept = tx.workspaces.tags()
        assert kept.ids == ("food", "drink")
        assert kept["law"].retired_at == NOON
        tx.workspaces.put_tags(kept.updated([FOOD, DRINK, LAW], NOON + MINUTE))
        assert tx.workspaces.tags().ids == ("food", "law", "drink")


def test_the_audit_trail_says_who_did_what_newest_first(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.workspaces.audit("U1", "pause", False, True, NOON)
        tx.workspaces.audit("U2", "push", None, {"n": 3}, NOON + MINUTE)
        first = {"at": NOON, "who": "U1", "what": "pause", "before": False, "after": True}
        second = {"at": NOON + MINUTE, "who": "U2", "what": "push", "before": None, "after": {"n": 3}}
        assert tx.workspaces.audit_trail(9) == [second, first]
        assert tx.workspaces.audit_trail(1) == [second]


DOUBT = Doubt("d1", "brigade", ("U1", "U2"), None, 6, 1.5, 8, 0.01, "named the same", ("p1", "p2"), NOON)


def test_doubts_are_kept_by_id_until_they_are_removed(store: SqlStore) -> None:
    overruled = replace(DOUBT, id="d0", tag="food", noticed_at=NOON + MINUTE, overruled_by="U9", overruled_at=NOON)
    with store.begin(TEAM) as tx:
        tx.doubts.put([overruled, replace(DOUBT, observed=5), DOUBT])
        assert tx.doubts.all() == [DOUBT, overruled]
        tx.doubts.remove(["d0", "d7"])
        assert tx.doubts.all() == [DOUBT]


def test_a_workspace_that_is_put_again_keeps_its_key_and_who_was_forgotten(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        with pytest.raises(StoreError, match="isn't set up"):
            tx.workspaces.keep_pseudonym_key("00")
        tx.workspaces.put(Workspace(TEAM, "Team", NOON, bot_user="UBOT", channel="C1"))
        assert tx.workspaces.pseudonym_key() is None
        assert [tx.workspaces.keep_pseudonym_key(key) for key in ("01", "02")] == ["01", "01"]
        assert [tx.workspaces.emoji_missing(name) for name in ("pizza", "pizza", "taco")] == [True, False, True]
        for digest in ("a", "b", "a"):
            tx.workspaces.forget_person(digest)
        tx.workspaces.put(Workspace(TEAM, "Renamed", NOON, bot_user="UBOT"))
        assert tx.workspaces.pseudonym_key() == "01"
        assert tx.workspaces.forgotten() == {"a", "b"}


def test_the_newest_draws_are_kept_and_the_last_smoke_test(store: SqlStore) -> None:
    draws = [PushDraw(NOON + place * MINUTE, 2.5, 0.1 * (place + 1)) for place in range(5)]
    with store.begin(TEAM) as tx:
        for draw in draws:
            tx.workspaces.add_draw(draw, 3)
        assert tx.workspaces.draws() == draws[2:]
        assert tx.workspaces.smoke_test() is None
        for says in ("first", "second"):
            tx.workspaces.put_smoke_test(SmokeTestResult(NOON, "post", says, 1.5))
        assert tx.workspaces.smoke_test() == SmokeTestResult(NOON, "post", "second", 1.5)
