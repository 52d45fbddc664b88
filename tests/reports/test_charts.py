"""The picture at the end of a round: a PNG of a phone's width that shows what differs, whatever the figures."""

import zlib

import pytest

from tierbot.domain.nouns import Estimate
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.reports.charts import round_chart

NONE = Estimate.of_share(0, 0)
VOTES = {"agreed": 60, "named_another": 20, "rejected": 15, "unsure": 5}


def figures(*shares, patterns=VOTES, blank=NONE):
    return [RoundFigures(i, Estimate.of_share(round(200 * s), 200), blank, patterns) for i, s in enumerate(shares, 1)]


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@pytest.mark.parametrize(
    "rounds",
    [
        figures(0.7, 0.8, 0.9, blank=Estimate.of_share(20, 30)),
        figures(0.7),
        figures(*[0.9] * 12),
        figures(1.0, 1.0),
        figures(0.0),
        figures(*[i / 200 for i in range(0, 201, 9)]),  # rounding may put a bound a hair beyond its value
        [RoundFigures(7, NONE, NONE, dict.fromkeys(VOTES, 0))],
        [],
    ],
)
def test_any_rounds_make_a_picture_of_the_same_size(rounds):
    assert size_of(round_chart(rounds)) == (1600, 896)


def test_the_same_figures_make_the_same_picture_and_others_another():
    picture = round_chart(figures(0.7, 0.8))
    assert zlib.crc32(round_chart(figures(0.7, 0.8))) == zlib.crc32(picture)
    assert round_chart(figures(0.7, 0.6)) != picture
    assert round_chart(figures(0.7, 0.8, patterns={**VOTES, "rejected": 50})) != picture
