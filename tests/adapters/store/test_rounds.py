"""Rounds: opened once, frozen once, and what is frozen never changes."""

from dataclasses import replace

import pytest

from tests.support.rows import MINUTE, NOON, TEAM, round_
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.domain.nouns import Standing

FROZEN = replace(round_(), closes_at=NOON + MINUTE, frozen_at=NOON + MINUTE, champion="U1", sharpshooter="U2")
STANDINGS = [Standing(1, "U1", 30, 30, 10, 20), Standing(2, "U2", 20, 20, 19, 20)]


def test_a_round_is_opened_once_and_is_current_until_it_is_frozen(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert tx.rounds.current() is None
        assert tx.rounds.open(round_())
        assert not tx.rounds.open(round_(closes_at=NOON))
        assert tx.rounds.current() == tx.rounds.get(1) == round_()
        assert tx.rounds.freeze(FROZEN, STANDINGS)
        assert tx.rounds.current() is None
        assert tx.rounds.get(1) == FROZEN
        tx.rounds.open(round_(2))
        assert tx.rounds.current() == round_(2)
        assert tx.rounds.all() == [FROZEN, round_(2)]


def test_frozen_standings_keep_their_order_and_never_change(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.rounds.open(round_())
        assert tx.rounds.standings(1) == []
        assert tx.rounds.freeze(FROZEN, STANDINGS)
        assert not tx.rounds.freeze(replace(FROZEN, champion="U9"), [Standing(1, "U9", 1, 1, 1, 1)])
        assert tx.rounds.standings(1) == STANDINGS
        assert tx.rounds.get(1) == FROZEN
        assert tx.rounds.all_time() == [("U1", 30, 10, 20), ("U2", 20, 19, 20)]


def test_trainers_of_one_rank_stay_in_the_order_in_which_they_were_frozen(store: SqlStore) -> None:
    """Their ids say nothing of it: the champion, who stood first, may have the last one."""
    tied = [Standing(1, user, 5, 5, agreed, 5) for user, agreed in (("U9", 5), ("U1", 4), ("U5", 4))]
    with store.begin(TEAM) as tx:
        tx.rounds.open(round_())
        tx.rounds.freeze(replace(FROZEN, champion="U9"), tied)
        assert tx.rounds.standings(1) == tied


def test_all_time_sums_over_frozen_rounds(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        for number in (1, 2):
            tx.rounds.open(round_(number))
            tx.rounds.freeze(replace(FROZEN, number=number), STANDINGS[: 3 - number])
        assert tx.rounds.all_time() == [("U1", 60, 20, 40), ("U2", 20, 19, 20)]


def test_a_round_that_was_never_opened_is_not_frozen(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        assert not tx.rounds.freeze(FROZEN, STANDINGS)
        assert tx.rounds.all_time() == []


def test_freezing_needs_the_moment(store: SqlStore) -> None:
    with pytest.raises(StoreError, match="round 1: cannot be frozen without frozen_at"), store.begin(TEAM) as tx:
        tx.rounds.freeze(round_(), [])


def test_an_open_round_can_close_later_and_a_frozen_one_cannot(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.rounds.open(round_())
        tx.rounds.prolong(1, NOON + MINUTE)
        assert tx.rounds.current() == round_(closes_at=NOON + MINUTE)
        tx.rounds.freeze(FROZEN, [])
        tx.rounds.prolong(1, NOON + 9 * MINUTE)
        assert tx.rounds.get(1) == FROZEN
