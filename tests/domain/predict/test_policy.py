"""The policy's distribution: exact, resting on plausible tags, and on those alone that may be shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tierbot.domain.predict.policy import EpsilonPolicy

TAGS = 12


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.bool_], int, int]:
    """Draw p over 2 to 12 tags (zeros and ties among them), which may be shown (one at least), verdicts, a seed."""
    weights = draw(st.lists(st.integers(0, 6).map(lambda x: 3**x - 1), min_size=2, max_size=TAGS).filter(any))
    allowed = draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights)).filter(any))
    p = np.array(weights, dtype=np.float64)
    return p / p.sum(), np.array(allowed), draw(st.integers(0, 5000)), draw(st.integers(0, 2**32 - 1))


@given(cases())
def test_pi_sums_to_one_over_the_tags_that_may_be_shown_and_no_other_is_ever_drawn(
    case: tuple[NDArray[np.float64], NDArray[np.bool_], int, int],
) -> None:
    p, allowed, verdicts, seed = case
    tags = [f"t{i}" for i in range(len(p))]
    choice = EpsilonPolicy().choose(p, tags, verdicts, np.random.default_rng(seed), allowed)
    pi = choice.policy_probabilities
    permitted = {tag for tag, may in zip(tags, allowed, strict=True) if may}
    assert sum(pi[tag] for tag in permitted) == pytest.approx(1, abs=1e-12)
    assert all(share == 0 for tag, share in pi.items() if tag not in permitted)
    assert choice.shown_tag in permitted
    assert choice.propensity == pi[choice.shown_tag] > 0


@given(cases())
def test_barred_tags_change_nothing_but_their_own_absence(
    case: tuple[NDArray[np.float64], NDArray[np.bool_], int, int],
) -> None:
    p, allowed, verdicts, _ = case
    policy = EpsilonPolicy()
    masked = policy.distribution(p, verdicts, allowed)
    np.testing.assert_allclose(masked[allowed], policy.distribution(p[allowed], verdicts), atol=1e-12)
    np.testing.assert_array_equal(
        policy.distribution(p, verdicts, np.ones(len(p), dtype=bool)), policy.distribution(p, verdicts)
    )


def test_the_share_drawn_is_the_propensity_that_is_logged() -> None:
    p, allowed = np.array([0.5, 0.2, 0.2, 0.1]), np.array([False, True, True, True])
    policy, rng = EpsilonPolicy(first=0.3, last=0.3), np.random.default_rng(1)
    pi = policy.distribution(p, 0, allowed)
    np.testing.assert_allclose(pi, [0, 0.7, 0.2, 0.1])
    drawn = [policy.choose(p, "abcd", 0, rng, allowed).shown_tag for _ in range(20_000)]
    shares = [drawn.count(tag) / len(drawn) for tag in "abcd"]
    np.testing.assert_allclose(shares, pi, atol=4 * np.sqrt(0.25 / len(drawn)))


def test_where_no_tag_may_be_shown_nothing_is_drawn() -> None:
    with pytest.raises(ValueError, match="hold such an article back"):
        EpsilonPolicy().distribution(np.array([0.5, 0.5]), 0, np.array([False, False]))
