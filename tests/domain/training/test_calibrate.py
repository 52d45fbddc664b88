"""Calibration: what is said to be 70% sure is right seven times in ten."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.predict.classifier import normalized
from tierbot.domain.training.bootstrap_model import calibration_error
from tierbot.domain.training.calibrate import Calibration, calibrate

FALLBACK = Calibration(3.0, 0.0, 1.0)


def drawn(seed: int, rows: int, sharp: float, tags: int = 8) -> tuple[np.typing.NDArray[np.float64], np.typing.NDArray[np.float32]]:  # fmt: skip
    """Draw scores, and true tags with the probabilities that scores `sharp` times as large would give."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(-1, 0.7, (rows, tags))
    chance = np.exp(sharp * scores)
    chance /= chance.sum(axis=1, keepdims=True)
    true = (chance.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return scores, np.eye(tags, dtype=np.float32)[true]


@given(st.integers(0, 50), st.floats(1.0, 4.0))
def test_probabilities_of_later_rows_are_met(seed: int, sharp: float) -> None:
    scores, targets = drawn(seed, 4000, sharp)
    curve = calibrate(scores[:2000], targets[:2000], np.ones_like(targets[:2000]), FALLBACK)
    p = normalized(curve.slope * scores[2000:] + curve.offset, curve.sharpness)
    hits = targets[2000:][np.arange(2000), p.argmax(axis=1)] > 0
    assert calibration_error(p.max(axis=1), hits) < 0.06  # by sampling alone about 0.03


def test_with_few_named_rows_the_fallback_stands() -> None:
    scores, targets = drawn(0, 19, 2.0)
    assert calibrate(scores, targets, np.ones_like(targets), FALLBACK) is FALLBACK


def test_rows_that_name_nothing_do_not_count() -> None:
    scores, targets = drawn(0, 300, 2.0)
    weights = np.ones_like(targets)
    alone = calibrate(scores, targets, weights, FALLBACK)
    more = np.concatenate([scores, scores + 5]), np.concatenate([targets, 0 * targets]), np.concatenate([weights] * 2)
    assert calibrate(*more, FALLBACK) == alone


def test_the_calibration_error_is_the_gap_between_said_and_found() -> None:
    confidence = np.full(1500, 0.8)
    hits = np.arange(1500) % 2 == 0
    assert calibration_error(confidence, hits) == pytest.approx(0.3, abs=0.01)
    assert calibration_error(np.where(hits, 1.0, 0.0), hits) == pytest.approx(0, abs=1e-9)
