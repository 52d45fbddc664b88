"""A change of two shares has an interval, and may be chance."""

import numpy as np
import pytest

from tierbot.domain.nouns import Estimate
from tierbot.domain.statistics import change, is_chance


def test_the_interval_is_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    found = change(Estimate.of_share(56, 70), Estimate.of_share(48, 80))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert not is_chance(found)


def test_equal_shares_differ_by_chance_and_an_unknown_one_by_nothing() -> None:
    found = change(Estimate.of_share(7, 10), Estimate.of_share(7, 10))
    assert found is not None
    assert is_chance(found)
    assert change(Estimate.of_share(7, 10), Estimate.of_share(0, 0)) is None


def test_chance_alone_is_seldom_called_a_change() -> None:
    rng = np.random.default_rng(0)
    called = 0
    for before, now in rng.binomial(190, 0.75, (500, 2)):
        found = change(Estimate.of_share(int(now), 190), Estimate.of_share(int(before), 190))
        called += found is not None and not is_chance(found)
    assert called / 500 < 0.08
