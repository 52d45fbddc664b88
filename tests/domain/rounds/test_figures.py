"""A round in figures: votes by what they say of the prediction, and the figures in words."""

from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Arm, Estimate, Post, Says, Vote
from tierbot.domain.rounds.figures import RoundFigures, change, figures_in_words, is_chance, paired_change, patterns_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
POST = Post("p1", "d1", "a1", 1, Arm.TIER, 0.8, "food", "C1", NOON)


def test_votes_are_counted_by_what_they_say_of_the_prediction():
    votes = [
        Vote("U1", Says.NAMES, NOON, "food"),
        Vote("U2", Says.NAMES, NOON, "food"),
        Vote("U2", Says.NAMES, NOON, "health"),
        Vote("U3", Says.REJECTS, NOON),
        Vote("U4", Says.UNSURE, NOON),
    ]
    verdict = PlainRule().settle(POST, votes, ledger_cursor=5, now=NOON)
    assert patterns_of([(POST, verdict)]) == {"agreed": 2, "named_another": 1, "rejected": 1, "unsure": 1}
    assert patterns_of([]) == {"agreed": 0, "named_another": 0, "rejected": 0, "unsure": 0}


@given(
    st.integers(0, 500), st.integers(0, 500), st.dictionaries(st.sampled_from(["agreed", "unsure"]), st.integers(0, 9))
)
def test_figures_come_back_from_json_as_they_went_in(hits, misses, patterns):
    estimate = Estimate.of_share(hits, hits + misses)
    figures = RoundFigures(3, estimate, Estimate.of_share(0, 0), patterns)
    assert RoundFigures.from_dict(asdict(figures)) == figures


def test_the_figures_are_told_in_words():
    rounds = [
        RoundFigures(1, Estimate.of_share(70, 100), Estimate.of_share(0, 0), {"agreed": 7, "rejected": 3}),
        RoundFigures(2, Estimate.of_share(80, 100), Estimate.of_share(0, 0), {"agreed": 3, "named_another": 1}),
    ]
    assert figures_in_words(rounds) == (
        "The model's accuracy: round 1 70%, round 2 80%. Votes in round 2: 75% agreed with its guess, "
        "25% named another topic, 0% said it was wrong, 0% were unsure."
    )
    assert figures_in_words([]) == "Nothing has settled yet."


def test_a_post_whose_own_tag_nobody_named_agrees_with_nothing():
    verdict = PlainRule().settle(POST, [Vote("U1", Says.NAMES, NOON, "health")], ledger_cursor=5, now=NOON)
    assert patterns_of([(POST, verdict)]) == {"agreed": 0, "named_another": 1, "rejected": 0, "unsure": 0}


def test_the_votes_told_are_those_of_the_newest_round_and_the_text_is_cut():
    estimate = Estimate.of_share(7, 10)
    rounds = [RoundFigures(number, estimate, estimate, {"agreed": number % 2}) for number in range(1, 4)]
    assert "Votes in round 3: 100% agreed" in figures_in_words(rounds)
    assert len(figures_in_words(rounds * 40)) == 1000


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (-0.2, 0.0)])
def test_an_interval_that_ends_at_zero_is_chance(low: float, high: float) -> None:
    assert is_chance(Estimate(n=9, value=0.1, low=low, high=high))


def test_the_interval_is_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    found = change(Estimate.of_share(56, 70), Estimate.of_share(48, 80))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert not is_chance(found)
    assert found.n == 150


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


def test_the_paired_interval_is_bonetts_own_example() -> None:
    """26 wins and 4 losses on 48: 0.2548067 to 0.6251933 (`ci.prop.ps` of Bonett's R package statpsych)."""
    now = [True] * 26 + [False] * 4 + [True] * 6 + [False] * 12
    before = [False] * 26 + [True] * 4 + [True] * 6 + [False] * 12
    found = paired_change(now, before)
    assert found is not None
    assert (found.n, found.value) == (48, pytest.approx(22 / 48))
    assert (found.low, found.high) == pytest.approx((0.2548067, 0.6251933), abs=1e-7)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=300))
def test_a_paired_change_lies_in_its_own_interval_and_turns_with_its_sides(hits: list[tuple[bool, bool]]) -> None:
    now, before = [one for one, _ in hits], [other for _, other in hits]
    found, turned = paired_change(now, before), paired_change(before, now)
    if not hits:
        assert found is None
        return
    assert found is not None
    assert turned is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))
