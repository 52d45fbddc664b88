"""Numbers and times read as people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from tierbot.adapters.slack.block_kit import words
from tierbot.domain.nouns import Estimate

NOW = datetime(2025, 11, 12, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=12, seconds=59), "12 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=8), "4 Nov 2025"),
        (timedelta(minutes=-30), "just now"),
        (timedelta(days=-30), ""),
    ],
)
def test_ages(ago, said):
    assert words.age(NOW - ago, NOW) == said


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=2, hours=3, minutes=5), "2 d 3 h"),
        (timedelta(hours=1, minutes=5), "1 h 5 min"),
        (timedelta(minutes=40), "40 min"),
        (timedelta(seconds=20), "a moment"),
        (timedelta(days=-1), "a moment"),
    ],
)
def test_what_is_left(left, said):
    assert words.remaining(NOW + left, NOW) == said


def test_ordinals():
    said = [words.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    assert said == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]


def test_counts_have_their_plural():
    assert words.count(1, "post") == "1 post"
    assert words.count(1200, "post") == "1,200 posts"
    assert words.count(2, "index", "indices") == "2 indices"


def test_an_accuracy_comes_with_its_interval():
    assert words.accuracy(Estimate(190, 0.781, 0.717, 0.834)) == (
        "right on 78% of 190 settled posts (95% interval 72 to 83%)"
    )
    assert words.accuracy(Estimate(1, 1.0, None, None)) == "right on 100% of 1 settled post"
    assert words.accuracy(Estimate(0, None, None, None)) == "nothing settled yet"
