"""Accuracy is progressive; a challenger is promoted when it is better, and the law of the test holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.settled import settled
from tierbot.domain.nouns import Arm, Outcome
from tierbot.domain.training.judge import (
    BOUND,
    FLOOR,
    LEVEL,
    MARGIN,
    Answers,
    Decision,
    accuracy,
    hit,
    is_unbiased,
    judge,
    unopposed,
)


def compared(wins: int, losses: int, both: int = 0, neither: int = 0, forgotten: str | None = None) -> Decision:
    """Judge two models that give a right tag 0.8, and 0.1 where they are wrong."""
    ours = [True] * wins + [False] * losses + [True] * both + [False] * neither
    theirs = [False] * wins + [True] * losses + [True] * both + [False] * neither
    return judge(*(Answers(hits, [0.8 if hit else 0.1 for hit in hits]) for hits in (ours, theirs)), forgotten)


def chances(*values: float) -> Answers:
    """Return answers that were right where the true tags have more than half."""
    return Answers([value > 0.5 for value in values], values)


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


# --- promoted, or not -----------------------------------------------------------------------------


def test_a_better_challenger_is_promoted_with_its_evidence() -> None:
    decision = compared(wins=20, losses=4, both=60)
    assert decision.promote
    assert decision.e_value >= 1 / LEVEL
    assert (decision.n, decision.wins, decision.losses) == (84, 20, 4)
    assert decision.difference == pytest.approx(16 / 84)
    assert decision.reason.startswith("promoted: +19.0 points")


def test_a_challenger_that_is_worse_is_refused() -> None:
    decision = compared(wins=2, losses=30, both=60)
    assert not decision.promote
    assert decision.worse
    assert decision.reason.endswith("; worse")


def test_too_few_to_tell_keeps_the_champion() -> None:
    decision = compared(wins=3, losses=0, both=5)
    assert decision.gain > 0
    assert not decision.promote
    assert not decision.worse
    assert "too few to tell" in decision.reason


def test_the_evidence_of_earlier_rounds_counts() -> None:
    one_round = {"wins": 3, "losses": 1, "both": 16}
    first, third = compared(**one_round), compared(**{name: 4 * count for name, count in one_round.items()})
    assert (first.promote, third.promote) == (False, True)


def test_a_challenger_that_forgot_a_tag_is_refused_however_good_it_is() -> None:
    decision = compared(wins=40, losses=4, both=60, forgotten="food")
    assert not decision.promote
    assert decision.reason.startswith("refused: it no longer recognizes food")


def test_a_challenger_that_is_surer_but_less_often_right_is_not_promoted() -> None:
    ours = Answers([False] * 12 + [True] * 88, [0.4] * 12 + [0.95] * 88)
    theirs = Answers([True] * 100, [0.42] * 12 + [0.6] * 88)
    decision = judge(ours, theirs)
    assert decision.e_value >= 1 / LEVEL
    assert decision.gain > 0
    assert not decision.promote


def test_four_posts_lost_by_chance_do_not_keep_out_a_model_that_is_clearly_surer() -> None:
    ours = Answers([False] * 4 + [True] * 36, [0.4] * 4 + [0.9] * 36)
    decision = judge(ours, Answers([True] * 40, [0.5] * 40))
    assert (decision.wins, decision.losses) == (0, 4)
    assert decision.promote


def test_without_a_champion_the_first_model_is_promoted() -> None:
    assert unopposed().promote


# --- bad input ------------------------------------------------------------------------------------


def test_without_fair_posts_the_champion_stays() -> None:
    decision = judge(Answers(), Answers())
    assert not decision.promote
    assert (decision.n, decision.difference, decision.e_value) == (0, None, 1.0)
    assert "no fair posts" in decision.reason


def test_models_that_answer_alike_change_nothing() -> None:
    same = chances(*[0.9, 0.2] * 200)
    decision = judge(same, same)
    assert (decision.gain, decision.wins, decision.losses) == (0.0, 0, 0)
    assert not decision.promote
    assert not decision.worse


def test_one_post_whose_true_tag_has_no_probability_does_not_decide() -> None:
    good, bad = [0.8] * 99, [0.5] * 99
    decision = judge(chances(*good, 0.0), chances(*bad, 1.0))
    assert decision.promote
    assert judge(chances(0.0), chances(1.0)).gain >= -BOUND


def test_a_model_that_gives_every_true_tag_nothing_is_worse() -> None:
    decision = judge(chances(*[0.0] * 30), chances(*[0.9] * 30))
    assert decision.worse
    assert decision.e_value >= 0


def test_answers_to_different_posts_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="Can't compare"):
        judge(chances(0.9), chances(0.9, 0.1))
    with pytest.raises(ValueError, match="Can't compare"):
        judge(Answers([True], [0.9, 0.1]), chances(0.9))


# --- the law of the test --------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200))
def test_only_a_challenger_with_the_higher_score_is_promoted(wins: int, losses: int, both: int) -> None:
    decision = compared(wins, losses, both)
    if decision.promote:
        assert wins > losses
        assert not decision.worse
    assert decision.n == wins + losses + both
    if decision.n:
        assert decision.difference == pytest.approx((decision.challenger or 0) - (decision.champion or 0))


def scored(gain: np.ndarray) -> tuple[Answers, Answers]:
    """Return answers whose scores differ by `gain`, in [−BOUND, BOUND]; the hits are the same."""
    ours, theirs = np.exp(np.minimum(gain, 0)), np.exp(np.minimum(-gain, 0))
    hits = [True] * len(gain)
    return tuple(Answers(hits, ((score - FLOOR) / (1 - FLOOR)).clip(0, 1).tolist()) for score in (ours, theirs))  # type: ignore[return-value]


def rare_and_large(rng: np.random.Generator, mean: float) -> np.ndarray:
    """Return 300 small gains, and now and then a large loss, as of a model that lost a tag."""
    lost = rng.random(300) < 0.1
    return np.where(lost, -1.4, (mean + 0.14) / 0.9)


def even(rng: np.random.Generator, mean: float) -> np.ndarray:
    return rng.normal(mean, 0.25, 300).clip(-1.5, 1.5)


def all_or_nothing(rng: np.random.Generator, mean: float) -> np.ndarray:
    return np.where(rng.random(300) < (1 + mean) / 2, 1.0, -1.0)


@pytest.mark.parametrize("gains", [even, rare_and_large, all_or_nothing])
def test_a_challenger_that_is_worse_by_the_margin_is_ever_promoted_at_most_as_often_as_stated(gains) -> None:
    rng = np.random.default_rng(0)
    looks = range(20, 301, 40)
    ever = [
        any(judge(*scored(gain[:look])).promote for look in looks) for gain in (gains(rng, -MARGIN) for _ in range(200))
    ]
    assert np.mean(ever) <= LEVEL


def test_a_new_challenger_each_round_is_promoted_no_more_often() -> None:
    """The same posts judge every round's challenger, whose answers change by half from round to round."""
    rng = np.random.default_rng(1)

    def line() -> bool:
        gain = rng.normal(0, 1, 300)
        for look in range(30, 301, 30):
            gain = (gain + rng.normal(0, 1, 300)) / np.sqrt(2)
            if judge(*scored((0.25 * gain - MARGIN).clip(-1.5, 1.5)[:look])).promote:
                return True
        return False

    assert np.mean([line() for _ in range(200)]) <= LEVEL


def test_a_challenger_that_is_better_is_promoted_on_two_rounds_posts() -> None:
    rng = np.random.default_rng(2)
    promoted = [judge(*scored(even(rng, 0.05)[:150])).promote for _ in range(200)]
    assert np.mean(promoted) >= 0.9
