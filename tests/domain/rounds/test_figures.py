"""A round in figures: votes by what they say of the prediction, and the figures in words."""

from dataclasses import asdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Arm, Estimate, Post, Says, Vote
from tierbot.domain.rounds.figures import RoundFigures, figures_in_words, patterns_of

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
