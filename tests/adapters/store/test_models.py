"""Model versions: cards listed without their bytes, one champion at a time."""

import pytest
from sqlalchemy import event as sql_event

from tests.support.rows import TEAM, model
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.domain.nouns import ModelState


def test_a_version_and_its_bytes_come_back_as_they_went_in(store: SqlStore) -> None:
    weights = bytes(range(256)) * 4096
    with store.begin(TEAM) as tx:
        assert tx.models.add(model(parent="m0"), weights)
        assert not tx.models.add(model(card={}), b"other")
    with store.read(TEAM) as tx:
        assert tx.models.get("m1") == model(parent="m0")
        assert tx.models.weights("m1") == weights
        assert tx.models.get("nobody") is None


def test_versions_are_listed_newest_first_without_loading_their_weights(store: SqlStore) -> None:
    statements: list[str] = []
    sql_event.listen(store._database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with store.begin(TEAM) as tx:
        for number in (1, 2):
            tx.models.add(model(f"m{number}", number), b"bytes")
        statements.clear()
        assert [one.id for one in tx.models.all()] == ["m2", "m1"]
    assert len(statements) == 1
    assert "weights" not in statements[0]


def test_there_is_one_champion_at_a_time(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.models.champion() is None
        tx.models.add(model("m1", 1, state=ModelState.CHAMPION), b"")
        tx.models.add(model("m2", 2), b"")
        tx.models.set_state("m2", ModelState.CHAMPION, {"promoted": True})
        champion = tx.models.champion()
        assert champion == model("m2", 2, state=ModelState.CHAMPION, card={"promoted": True})
        former = tx.models.get("m1")
        assert former is not None
        assert former.state is ModelState.RETIRED
        tx.models.set_state("m2", ModelState.CHAMPION)
        assert tx.models.champion() == champion
        tx.models.add(model("m3", 3, state=ModelState.CHAMPION), b"")
        assert [one.state for one in tx.models.all()] == [
            ModelState.CHAMPION,
            ModelState.RETIRED,
            ModelState.RETIRED,
        ]


def test_a_number_is_given_to_one_version_only(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.models.add(model("m1", 1), b"")
    with pytest.raises(StoreError, match="contradicts"), store.begin(TEAM) as tx:
        tx.models.add(model("m2", 1), b"")


def test_an_unknown_version_is_named(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="model m7: its weights are not in the database"), store.read(TEAM) as tx:
        tx.models.weights("m7")
    with pytest.raises(StoreError, match="model m7: is not in the database"), store.begin(TEAM) as tx:
        tx.models.set_state("m7", ModelState.RETIRED)
