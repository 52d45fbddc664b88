"""Agreement: Krippendorff's own worked example, and the laws of a posterior."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.feedback.crowd.agreement import (
    BetaPrior,
    crowd_alpha,
    crowd_prior,
    krippendorff_alpha,
    masi,
    reliabilities,
)
from tierbot.domain.feedback.crowd.table import CrowdTable
from tierbot.domain.nouns import TierbotError

# Krippendorff (2011), section C: four observers, twelve units, missing data; nominal α = 0.743.


def published_units() -> list[list[str]]:
    rows = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    return [[str(row[unit]) for row in rows if row[unit] is not None] for unit in range(12)]


def test_alpha_of_the_published_example() -> None:
    alpha = krippendorff_alpha(published_units())
    assert alpha is not None
    assert round(alpha, 3) == 0.743


def test_alpha_of_the_published_binary_example() -> None:
    # Krippendorff (2011), section A: two observers, ten units, α = 0.095.
    one, other = "0100000010", "1110010000"
    alpha = krippendorff_alpha(list(zip(one, other, strict=True)))
    assert alpha is not None
    assert round(alpha, 3) == 0.095


def test_alpha_is_undefined_without_pairs_or_without_variation() -> None:
    assert krippendorff_alpha([["x"], ["y"]]) is None
    assert krippendorff_alpha([["x", "x"], ["x", "x", "x"]]) is None
    assert krippendorff_alpha([]) is None


def test_perfect_agreement_is_one_and_systematic_disagreement_negative() -> None:
    assert krippendorff_alpha([["x", "x"], ["y", "y"]]) == 1
    alpha = krippendorff_alpha([["x", "y"]] * 5)
    assert alpha is not None
    assert alpha < 0


def test_sets_that_overlap_agree_in_part() -> None:
    food, both, law = frozenset({"food"}), frozenset({"food", "health"}), frozenset({"law"})
    assert 0 < masi(food, both) < masi(food, law) == 1
    strict = krippendorff_alpha([[food, both], [law, law], [food, food]])
    lenient = krippendorff_alpha([[food, both], [law, law], [food, food]], masi)
    assert strict is not None
    assert lenient is not None
    assert lenient > strict


@given(st.lists(st.lists(st.sampled_from("xyz"), max_size=5), max_size=12))
def test_alpha_is_at_most_one_and_one_only_without_disagreement(units) -> None:
    alpha = krippendorff_alpha(units)
    if alpha is not None:
        assert alpha <= 1 + 1e-12
        assert math.isclose(alpha, 1) == all(len(set(answers)) <= 1 for answers in units)


def test_a_crowds_alpha_leaves_out_who_gave_two_answers_to_one_item() -> None:
    rows = [("a", "w1", "x"), ("a", "w2", "x"), ("b", "w1", "y"), ("b", "w2", "y")]
    assert crowd_alpha(CrowdTable.from_rows([*rows, ("a", "w3", "x"), ("a", "w3", "y")])) == 1


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.05, 0.95), st.floats(2, 50))
def test_a_reliability_lies_in_its_interval_between_the_prior_and_the_share(right, wrong, mean, strength) -> None:
    found = BetaPrior(mean, strength).reliability(right, right + wrong)
    assert 0 <= found.low < found.mean < found.high <= 1
    share = right / (right + wrong) if right + wrong else mean
    assert min(mean, share) - 1e-9 <= found.mean <= max(mean, share) + 1e-9


def test_more_votes_narrow_the_interval_and_outweigh_the_prior() -> None:
    found = reliabilities({"new": (1, 1), "old": (95, 100), "poor": (40, 100), "fair": (70, 100)})
    assert found["new"].mean < found["old"].mean
    assert found["new"].high - found["new"].low > found["old"].high - found["old"].low
    assert found["poor"].high < found["old"].low


def test_a_crowd_of_equals_is_believed_more_than_a_mixed_one() -> None:
    alike = crowd_prior([(80, 100), (81, 100), (79, 100), (80, 100)])
    mixed = crowd_prior([(99, 100), (95, 100), (40, 100), (60, 100)])
    assert alike.strength > 5 * mixed.strength
    assert alike.mean == pytest.approx(0.8, abs=0.01)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(TierbotError, match="3 times out of 2"):
        BetaPrior(0.7, 4).reliability(3, 2)
