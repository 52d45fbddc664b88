"""What a comparison showed is said in plain words, and nothing is claimed that it did not show."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.training.test_judge import chances, compared
from tierbot.domain.training.judge import Answers, Decision, judge, unopposed
from tierbot.domain.training.promotion import headline, is_better, statistics


def surer(hits: int, by: float, n: int = 100) -> Decision:
    """Judge a challenger that is right on `hits` of n posts, where the champion is right on 90, and surer by `by`."""
    ours = Answers([True] * hits + [False] * (n - hits), [0.5 + by] * n)
    return judge(ours, Answers([True] * 90 + [False] * (n - 90), [0.5] * n))


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (compared(18, 2, 100), "Model 5 is live: 13 points better on 120 fair posts."),
        (compared(11, 5, 184), "Model 5 is live: 3 points better on 200 fair posts, which may be chance."),
        (
            surer(90, 0.1),
            "Model 5 is live: right as often as the old one on 100 fair posts, and surer of the right tags.",
        ),
        (
            surer(89, 0.1),
            "Model 5 is live: surer of the right tags on 100 fair posts. Its accuracy was 1 point lower, which may be chance.",
        ),
        (unopposed(), "Model 5 is live. There was no model to compare it with."),
        (compared(2, 30, 68), "I kept model 4: the new one was worse, by 28 points on 100 fair posts."),
        (surer(90, -0.2), "I kept model 4: the new one was worse, less sure of the right tags on 100 fair posts."),
        (compared(9, 2, 90, forgotten="food"), "I kept model 4: the new one no longer recognizes “food”."),
        (compared(2, 4, 34), "I kept model 4 for now: the new one looks a little worse on 40 fair posts."),
        (compared(0, 0, 40), "I kept model 4 for now: the new one looks no better on 40 fair posts."),
        (
            compared(1, 0, 0),
            "I kept model 4 for now: the new one looks better, but it's too early to say on 1 fair post.",
        ),
        (compared(0, 0), "I kept model 4 for now: there are no fair posts yet to compare the new one on."),
    ],
)
def test_people_read_what_it_showed(decision: Decision, says: str) -> None:
    assert headline(5, asdict(decision), 4) == says


def test_a_model_that_was_overtaken_is_not_called_worse() -> None:
    decision = replace(compared(18, 2, 100), promote=False, overtaken=True)
    said = headline(5, asdict(decision), 4)
    assert said == (
        "Model 5 isn't in service: the model it was compared with was replaced meanwhile. Model 4 stays in service."
    )


EARLIER: dict[str, Any] = {
    "n": 120, "challenger": 0.88, "champion": 0.82, "difference": 0.06, "wins": 9, "losses": 2, "p_value": 0.999
}  # fmt: skip


def test_comparisons_of_an_earlier_version_are_still_told() -> None:
    assert headline(5, {**EARLIER, "promote": True}, 4) == "Model 5 is live: 6 points better on 120 fair posts."
    worse = {**EARLIER, "promote": False, "difference": -0.06}
    assert headline(5, worse, 4) == "I kept model 4: the new one was worse, by 6 points on 120 fair posts."
    assert statistics(EARLIER).endswith("2 only the old one.")


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 150))
def test_better_is_said_only_with_enough_posts_and_an_estimate_that_says_so(wins: int, losses: int, both: int) -> None:
    comparison = asdict(compared(wins, losses, both))
    said = headline(5, comparison, 4)
    assert comparison["promote"] == said.startswith("Model 5 is live")
    if is_better(comparison) and comparison["promote"]:
        assert " better on " in said
        assert wins > losses
        assert comparison["n"] >= 50


def test_the_statistics_are_of_the_same_posts() -> None:
    said = statistics(asdict(compared(18, 2, 100)))
    assert said.startswith(
        "On 120 fair posts the new model was right on 98%, the old one on 85%: 18 only the new one got right, 2 only the old "
        "one. Its log score was 0."
    )
    assert "Evidence that it isn't worse: e is " in said
    none = asdict(judge(chances(), chances()))
    assert statistics(none) == "No fair post was new to both models, so there was nothing to compare them on."
