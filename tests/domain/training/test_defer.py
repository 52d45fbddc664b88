"""A first harness keeps what it is expected to answer as well as its model, and gives up no more than it may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.predict.deferral import ALL
from tierbot.domain.training.defer import deferral_of, given_up, threshold_of


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, tags = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    one, two = (rng.dirichlet(np.full(tags, 0.5), rows).round(draw(st.integers(1, 6))) for _ in range(2))
    return one, two


@given(pairs(), st.floats(0, 0.6), st.floats(0, 0.6))
def test_what_is_given_up_stays_within_what_is_allowed_and_more_of_it_settles_more(
    both: tuple[np.ndarray, np.ndarray], less: float, more: float
) -> None:
    answered, said = both
    lost, foreseen = given_up(answered, said), 1 - answered.max(axis=1)
    shares = []
    for allowed in sorted((less, more)):
        threshold, settles, gives_up = threshold_of(foreseen, lost, allowed)
        settled = foreseen < threshold
        assert settles == pytest.approx(settled.mean())
        assert gives_up == pytest.approx((lost * settled).sum() / len(said))
        assert gives_up <= allowed + 1e-12
        shares.append(settles)
    assert shares[0] <= shares[1]


@given(pairs(), st.floats(0, 0.6))
def test_a_rule_can_be_had_from_any_articles(both: tuple[np.ndarray, np.ndarray], allowed: float) -> None:
    answered, said = both
    rule, settles, gives_up = deferral_of(answered, said, allowed)
    assert gives_up <= allowed + 1e-12
    assert rule.settled(answered).shape == (len(said),)
    assert (settles == 1) == (rule.threshold == ALL)


def unsure(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two tags that neither harness can tell apart, and two that only the model can; the student is unsure of all."""
    rng = np.random.default_rng(seed)
    hopeless = rng.random(rows) < 0.5
    p = rng.uniform(0.3, 0.7, rows)
    answered, said = np.zeros((rows, 4)), np.zeros((rows, 4))
    answered[hopeless, 0], answered[hopeless, 1] = p[hopeless], 1 - p[hopeless]
    answered[~hopeless, 2], answered[~hopeless, 3] = p[~hopeless], 1 - p[~hopeless]
    said[hopeless] = answered[hopeless]
    said[~hopeless, 2 + rng.integers(2, size=int((~hopeless).sum()))] = 1.0
    return answered, said


def test_what_the_model_knows_no_better_is_settled_however_unsure() -> None:
    rule, settles, _ = deferral_of(*unsure(800, 1), allowed=0.02)
    answered, _ = unsure(400, 2)
    hopeless = answered[:, 0] > 0
    settled = rule.settled(answered)
    assert settled[hopeless].mean() > 0.95
    assert settled[~hopeless].mean() < 0.15
    assert settles == pytest.approx(0.5, abs=0.1)
