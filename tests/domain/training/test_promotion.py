"""What a comparison showed is said in plain words, and nothing is claimed that it did not show."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.training.test_judge import hits
from tierbot.domain.training.judge import judge
from tierbot.domain.training.promotion import headline, is_better, statistics


def compared(wins: int, losses: int, both: int = 0):
    return asdict(judge(*hits(wins, losses, both)))


@pytest.mark.parametrize(
    ("wins", "losses", "both", "says"),
    [
        (9, 2, 109, "Model 5 is live: 6 points better on 120 fair posts."),
        (8, 5, 87, "Model 5 is live: 3 points better on 100 fair posts, which may be chance."),
        (4, 4, 92, "Model 5 is live: as good as the old one on 100 fair posts."),
        (4, 5, 91, "Model 5 is live: 1 point worse on 100 fair posts, which may be chance."),
        (0, 2, 10, "Model 5 is live. It's too early to say whether it's better: there are only 12 fair posts so far."),
        (1, 0, 0, "Model 5 is live. It's too early to say whether it's better: there is only 1 fair post so far."),
        (0, 0, 0, "Model 5 is live. It's too early to say whether it's better: there are no fair posts yet."),
        (2, 8, 90, "I kept model 4: the new one was worse, by 6 points on 100 fair posts."),
        (9, 11, 40, "I kept model 4: the new one was worse, by 3 points on 60 fair posts."),
    ],
)
def test_people_read_what_it_showed(wins: int, losses: int, both: int, says: str) -> None:
    assert headline(5, compared(wins, losses, both), 4) == says


def test_a_model_that_was_overtaken_is_not_called_worse() -> None:
    decision = replace(judge(*hits(9, 2, 100)), promote=False, overtaken=True)
    said = headline(5, asdict(decision), 4)
    assert said == (
        "Model 5 isn't in service: the model it was compared with was replaced meanwhile. Model 4 stays in service."
    )


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 150))
def test_better_is_said_only_with_enough_posts_and_an_estimate_that_says_so(wins: int, losses: int, both: int) -> None:
    comparison = compared(wins, losses, both)
    said = headline(5, comparison, 4)
    celebrated = is_better(comparison)
    assert celebrated == (" better on " in said)
    if celebrated:
        assert wins > losses
        assert comparison["n"] >= 50
    assert comparison["promote"] == said.startswith("Model 5 is live")


def test_the_statistics_are_of_the_same_posts() -> None:
    assert statistics(compared(9, 2, 109)) == (
        "On 120 fair posts the new model was right on 98%, the old one on 92%: 9 only the new one got right, 2 only the old "
        "one. One-sided sign test for “worse”: p = 0.994."
    )
    assert statistics(compared(0, 0)) == "No fair post was new to both models, so there was nothing to compare them on."
