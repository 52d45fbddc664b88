"""The e-value: evidence that stays valid however often one looks."""

from math import isfinite

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.statistics import e_value


def test_without_gains_there_is_no_evidence() -> None:
    assert e_value([], 1.0) == 1.0


def test_gains_are_evidence_and_losses_take_it_back() -> None:
    assert e_value([0.5] * 20, 1.0) > 100
    assert e_value([-0.5] * 20, 1.0) < 0.01
    assert e_value([0.0] * 20, 1.0) == 1.0
    assert e_value([0.0] * 20, 1.0, margin=0.2) > 10, "no worse is evidence against worse by the margin"


@given(st.lists(st.floats(-1, 1), max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_the_gains_does_not_matter(gains: list[float], rng: object) -> None:
    mixed = list(gains)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    assert e_value(mixed, 1.0) == pytest.approx(e_value(gains, 1.0))


@pytest.mark.parametrize("gain", [-1.0, 1.0])
def test_the_most_extreme_gains_leave_it_finite(gain: float) -> None:
    assert isfinite(e_value([gain] * 10_000, 1.0))


def test_its_mean_is_at_most_one_if_the_hypothesis_holds() -> None:
    rng = np.random.default_rng(0)
    fair = [e_value(rng.choice([-1.0, 0.2], p=[1 / 6, 5 / 6], size=5).tolist(), 1.0) for _ in range(4000)]
    assert np.mean(fair) == pytest.approx(1.0, abs=0.06)
