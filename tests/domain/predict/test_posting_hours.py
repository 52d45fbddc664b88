"""When to post: where most vote, evenly at times, never outside of what the schedule leaves."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tierbot.domain.predict.posting_hours import choose_slot, voters_by_hour

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
SLOTS = [(NINE + timedelta(hours=h), 9 + h) for h in range(3)]


def test_an_hour_without_posts_is_expected_to_be_as_good_as_all() -> None:
    expected = voters_by_hour([(9, 4)] * 100 + [(10, 1)] * 100)
    assert expected[9] > 3.5 > expected[11] > 1.5 > expected[10]
    assert expected[11] == pytest.approx(2.5)
    assert set(voters_by_hour([]).values()) == {0.0}


def test_the_best_hour_is_drawn_as_often_as_its_propensity_says() -> None:
    rng = np.random.default_rng(0)
    drawn = [choose_slot(SLOTS, {9: 1.0, 10: 3.0, 11: 2.0}, rng, explore=0.3) for _ in range(500)]
    assert np.mean([one.at == SLOTS[1][0] for one in drawn]) == pytest.approx(0.8, abs=0.06)
    assert {round(one.propensity, 6) for one in drawn} == {0.8, 0.1}
    assert {one.at for one in drawn} == {at for at, _ in SLOTS}


def test_without_knowledge_the_earliest_is_likeliest_and_without_slots_there_is_no_choice() -> None:
    assert choose_slot(SLOTS, {}, np.random.default_rng(1), explore=0.0).at == NINE
    with pytest.raises(ValueError, match="no slots"):
        choose_slot([], {}, np.random.default_rng(1))
