"""Accuracy is progressive; a challenger that is worse is refused."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.support.settled import settled
from tierbot.domain.nouns import Arm, Outcome
from tierbot.domain.training.judge import accuracy, hit, is_unbiased, judge


def hits(wins: int, losses: int, both: int = 0, neither: int = 0) -> tuple[list[bool], list[bool]]:
    """Return the challenger's hits and the champion's."""
    ours = [True] * wins + [False] * losses + [True] * both + [False] * neither
    theirs = [False] * wins + [True] * losses + [True] * both + [False] * neither
    return ours, theirs


def test_a_hit_is_a_top_tag_among_the_true_ones() -> None:
    both = settled(1, tags={"food": 1.0, "law": 0.5}).verdict
    assert hit("law", "food", both) is True
    assert hit("space", "food", both) is False


def test_a_rejection_tells_of_the_shown_tag_only() -> None:
    wrong = settled(1, outcome=Outcome.WRONG).verdict
    assert hit("food", "food", wrong) is False
    assert hit("law", "food", wrong) is None


def test_abstentions_are_left_out() -> None:
    posts = [settled(1), settled(2, top="law"), settled(3, outcome=Outcome.ABSTAINED)]
    found = accuracy(posts)
    assert (found.n, found.value) == (2, 0.5)


def test_the_honest_figure_is_of_random_blank_posts() -> None:
    posts = [settled(1), settled(2, arm=Arm.TIER, top="law"), settled(3, strategy="margin", top="law")]
    assert accuracy(posts).value == pytest.approx(1 / 3)
    assert accuracy(posts, arm=Arm.BLANK).value == 0.5
    assert accuracy(posts, arm=Arm.BLANK, random_only=True).value == 1.0
    assert [is_unbiased(post) for post in posts] == [True, False, False]


def test_nothing_settled_has_no_accuracy() -> None:
    assert accuracy([]).value is None


def test_a_challenger_that_the_paired_test_calls_worse_is_refused() -> None:
    decision = judge(*hits(wins=2, losses=8, both=300))
    assert decision.p_value == pytest.approx(binomtest(8, 10, alternative="greater").pvalue)
    assert not decision.promote
    assert "significantly worse" in decision.reason


def test_more_than_two_points_below_is_refused_however_unsure() -> None:
    decision = judge(*hits(wins=9, losses=11, both=40))
    assert decision.difference == pytest.approx(-2 / 60)
    assert decision.p_value is not None
    assert decision.p_value > 0.1
    assert not decision.promote


def test_a_little_worse_is_promoted_when_nothing_speaks_against_it() -> None:
    assert judge(*hits(wins=9, losses=10, both=81)).promote


def test_too_few_to_tell_is_said_and_promoted() -> None:
    decision = judge(*hits(wins=0, losses=2, both=10))
    assert decision.promote
    assert "too few to tell" in decision.reason


def test_few_but_clearly_worse_is_refused() -> None:
    assert not judge(*hits(wins=0, losses=6)).promote


def test_without_any_verdict_the_challenger_is_promoted() -> None:
    decision = judge([], [])
    assert decision.promote
    assert decision.n == 0
    assert "no unbiased verdict" in decision.reason


def test_hits_on_different_verdicts_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="Can't compare"):
        judge([True], [True, False])


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
def test_a_challenger_that_wins_more_is_never_refused(wins: int, losses: int, both: int) -> None:
    decision = judge(*hits(wins, losses, both))
    if wins >= losses:
        assert decision.promote
    assert decision.n == wins + losses + both
    assert asdict(decision)["wins"] == wins
    if decision.n:
        assert decision.difference == pytest.approx((decision.challenger or 0) - (decision.champion or 0))


def test_equal_models_are_refused_seldom() -> None:
    rng = np.random.default_rng(0)
    refused = [not judge(rng.random(100) < 0.7, rng.random(100) < 0.7).promote for _ in range(300)]
    assert np.mean(refused) < 0.5  # independent hits differ by more than two points by chance that often
