"""Verdicts: every one kept, the newest of a post counts, however they arrive."""

from datetime import timedelta
from itertools import permutations

import pytest

from tests.support.rows import MINUTE, NOON, TEAM, prediction, put_post, verdict
from tierbot.adapters.store import SqlStore
from tierbot.domain.nouns import Outcome, Selection, SettledPost
from tierbot.use_cases.ports import LabelledPost


def test_a_verdict_comes_back_as_it_went_in(store: SqlStore) -> None:
    full = verdict(model_versions=("m1", "m2"), reward=1 / 3)
    empty = verdict("p2", outcome=Outcome.ABSTAINED, tags={}, reward=None, reason="too_few", support={})
    with store.begin(TEAM) as tx:
        put_post(tx, "p1", ts="1.0")
        put_post(tx, "p2", ts="2.0")
        assert tx.verdicts.add(full)
        assert tx.verdicts.add(empty)
        assert tx.verdicts.latest(["p1", "p2", "p3"]) == {"p1": full, "p2": empty}


def test_the_same_verdict_again_is_not_new_whenever_it_was_settled(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        assert tx.verdicts.add(verdict())
        assert not tx.verdicts.add(verdict(settled_at=NOON + MINUTE))
        assert tx.verdicts.add(verdict(aggregator="another"))
        assert tx.verdicts.add(verdict(model_versions=("m1",)))


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_the_verdict_on_most_of_the_ledger_counts_in_whichever_order_they_arrive(
    store: SqlStore, order: tuple[int, ...]
) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        for cursor in order:
            tx.verdicts.add(verdict(ledger_cursor=cursor))
        assert tx.verdicts.latest(["p1"])["p1"].ledger_cursor == 3
        assert len(tx.verdicts.labeled()) == 1


def test_of_two_aggregators_on_the_same_votes_the_later_one_counts(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
        tx.verdicts.add(verdict(aggregator="b", settled_at=NOON + MINUTE))
        tx.verdicts.add(verdict(aggregator="a"))
        assert tx.verdicts.latest(["p1"])["p1"].aggregator == "b"


def test_labeled_posts_come_oldest_first_with_all_that_learning_asks(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        late = put_post(tx, "late", ts="2.0", created_at=NOON + MINUTE, round_number=2)
        early = put_post(tx, "early", ts="1.0")
        put_post(tx, "unsettled", ts="3.0")
        for one in (late, early):
            tx.verdicts.add(verdict(one.id))
        made = [prediction(f"d-{one.id}", article_id=f"a-{one.id}") for one in (early, late)]
        assert tx.verdicts.labeled() == [
            LabelledPost(early, made[0], verdict("early")),
            LabelledPost(late, made[1], verdict("late")),
        ]
        assert [one.post for one in tx.verdicts.labeled(rounds=[2, 3])] == [late]
        assert tx.verdicts.labeled(rounds=[]) == []
        assert tx.verdicts.settled(rounds=[1]) == [
            SettledPost(early, verdict("early"), "m1", "law", 1 / 3, Selection("random", 0.25))
        ]
        assert [one.post for one in tx.verdicts.settled()] == [early, late]


def test_what_settled_since_is_counted_by_post_and_without_abstentions(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for number in range(4):
            put_post(tx, f"p{number}", ts=f"{number}.0")
        tx.verdicts.add(verdict("p0"))
        tx.verdicts.add(verdict("p1", settled_at=NOON + MINUTE))
        tx.verdicts.add(verdict("p1", settled_at=NOON + 2 * MINUTE, ledger_cursor=2))
        tx.verdicts.add(verdict("p2", settled_at=NOON + MINUTE, outcome=Outcome.WRONG, tags={}))
        tx.verdicts.add(verdict("p3", settled_at=NOON + MINUTE, outcome=Outcome.ABSTAINED, tags={}, reason="split"))
        assert tx.verdicts.count_since(NOON) == 2
        assert tx.verdicts.count_since(NOON - timedelta(microseconds=1)) == 3
