"""The legend: the most used topics first, and those that fit a word."""

from tests.conftest import WORKSPACE, Harness
from tierbot.use_cases.game.legend import Legend


def test_the_most_used_topic_comes_first_and_a_word_finds_others(harness: Harness) -> None:
    legend = Legend(harness.bot.store)
    assert legend.find(WORKSPACE)[0].id == "politics", "without verdicts, in the file's order"
    for ts in harness.posts(2):
        for user in ("U1", "U2"):
            harness.react(user, ts, "tennis")
    harness.settle()
    assert legend.find(WORKSPACE)[0].id == "tennis"
    assert {tag.id for tag in legend.find(WORKSPACE, "sport")[:3]} >= {"tennis"}
    assert legend.find(WORKSPACE, "xyzzy") == []
