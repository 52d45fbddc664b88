"""Predictions and posts: both or neither, placed in Slack once."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.rows import MINUTE, NOON, TEAM, article, delivery, event, post, prediction, put_post, verdict
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.domain.nouns import Arm, Says, Vote
from tierbot.use_cases.ports import DeliveryKind


def test_a_prediction_and_its_post_come_back_as_they_went_in(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        assert tx.posts.add(prediction(), post(arm=Arm.BLANK))
    with store.read(TEAM) as tx:
        assert tx.posts.get("p1") == post(arm=Arm.BLANK)
        assert tx.posts.prediction("d1") == prediction()
        assert tx.posts.predictions(["d1", "nobody"]) == {"d1": prediction()}
        assert tx.posts.prediction("nobody") is None
        assert tx.posts.get("nobody") is None


def test_probabilities_from_numpy_are_kept_as_numbers(store: SqlStore) -> None:
    p = {"food": np.float32(0.25), "law": np.float64(0.75)}
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        tx.posts.add(prediction(probabilities=p, policy_probabilities=p, propensity=np.float32(0.25)), post())
        kept = tx.posts.prediction("d1")
    assert kept is not None
    assert kept.probabilities == {"food": 0.25, "law": 0.75}
    assert kept.propensity == 0.25


def test_a_post_that_is_there_already_adds_neither(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article()])
        assert tx.posts.add(prediction(), post())
        assert not tx.posts.add(prediction("d2"), post(prediction_id="d2", channel="C2"))
        assert tx.posts.get("p1") == post()
        assert tx.posts.prediction("d2") is None


def test_a_post_of_an_article_that_nobody_stored_is_refused(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="contradicts"), store.begin(TEAM) as tx:
        tx.posts.add(prediction(), post())


def test_a_post_stands_where_slack_put_it_first(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        made = put_post(tx, ts=None)
        assert tx.posts.at("C1", "1.5") is None
        tx.posts.sent("p1", "1.5", NOON + MINUTE)
        tx.posts.sent("p1", "2.5", NOON)
        tx.posts.sent("nobody", "3.5", NOON)
        placed = replace(made, ts="1.5", posted_at=NOON + MINUTE)
        assert tx.posts.get("p1") == tx.posts.at("C1", "1.5") == placed
        assert tx.posts.at("C1", "2.5") is None
        assert tx.posts.at("C2", "1.5") is None


def test_a_rounds_posts_come_in_order(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, "late", ts=None, created_at=NOON + MINUTE)
        put_post(tx, "early", ts="1.0")
        put_post(tx, "other", ts="2.0", round_number=2)
        assert [one.id for one in tx.posts.in_round(1)] == ["early", "late"]


def test_open_posts_are_those_in_slack_newest_first(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for number in range(3):
            put_post(tx, f"p{number}", ts=f"{number}.0", created_at=NOON + number * MINUTE)
        put_post(tx, "unsent", ts=None, created_at=NOON + 9 * MINUTE)
        assert [one.id for one in tx.posts.open(NOON + MINUTE)] == ["p2", "p1"]


def test_a_post_is_unsettled_from_new_votes_to_the_verdict_on_them(store: SqlStore) -> None:
    vote = Vote("U1", Says.NAMES, NOON, "food")
    with store.begin(TEAM) as tx:
        made = put_post(tx)
        assert tx.posts.unsettled() == []
        tx.ledger.append(event())
        tx.ledger.replace_votes("p1", [vote], tx.ledger.cursor("C1", "100.000001"))
        assert tx.posts.unsettled() == [made]
        tx.verdicts.add(verdict(ledger_cursor=tx.ledger.cursors(["p1"])["p1"]))
        assert tx.posts.unsettled() == []
        tx.ledger.append(event("e2", added=False))
        tx.ledger.replace_votes("p1", [], tx.ledger.cursor("C1", "100.000001"))
        assert tx.posts.unsettled() == [made]


def test_an_event_between_tally_and_verdict_leaves_the_post_unsettled(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.ledger.append(event("e1"))
        tx.ledger.replace_votes("p1", [], tx.ledger.cursor("C1", "100.000001"))
        tx.ledger.append(event("e2"))
        tx.verdicts.add(verdict(ledger_cursor=tx.ledger.cursors(["p1"])["p1"]))
        tx.ledger.replace_votes("p1", [], tx.ledger.cursor("C1", "100.000001"))
        assert [one.id for one in tx.posts.unsettled()] == ["p1"]


def test_a_post_is_found_by_its_ts_alone_in_whatever_channel(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx, channel="D7", ts="1700000000.000001")
        assert [found.channel for found in tx.posts.with_ts("1700000000.000001")] == ["D7"]
        assert tx.posts.with_ts("1700000000.000002") == []


def test_posts_that_are_still_queued_move_to_another_round(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for key, ts in (("sent", "1.0"), ("queued", None), ("parked", None), ("other", None)):
            put_post(tx, key, ts=ts, round_number=2 if key == "other" else 1)
            tx.outbox.add([delivery(key, kind=DeliveryKind.POST, payload={"post_id": key})])
        (parked,) = [one for one in tx.outbox.claim(NOON, NOON + MINUTE, 9) if one.id == "parked"]
        tx.outbox.park(parked, "gone")
        assert tx.posts.move_queued(1, 2) == 1
        assert {post.id for post in tx.posts.in_round(1)} == {"sent", "parked"}
        assert {post.id for post in tx.posts.in_round(2)} == {"queued", "other"}
