"""The panel: what it says of rounds, verdicts, model and one row, and that it reads no round twice for nothing."""

import json

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.reports.dataset import Only, row_of, settled_posts
from tierbot.reports.panel import Panel


def play(harness: Harness, posts: int) -> list[str]:
    found = harness.posts(posts)
    for place, ts in enumerate(found):
        for user in ("U1", "U2"):
            harness.react(user, ts, harness.emoji(ts) if place % 3 else "scales")
    harness.settle()
    return found


def shown(harness: Harness, panel: Panel | None = None):
    with harness.bot.store.read(WORKSPACE) as tx:
        document = (panel or Panel()).of(tx)
    json.dumps(document)
    return document


def but_drift(document):
    return {name: part for name, part in document.items() if name != "drift"}


def rounds(document):
    return [one["round"] for one in document["accuracy"]]


def test_before_anything_settled_there_is_a_model_and_nothing_else(harness: Harness) -> None:
    document = shown(harness)
    assert (document["accuracy"], document["verdicts"], document["row"]) == ([], [], None)
    assert document["model"]["version"] == "m0001"


def test_the_newest_verdict_is_told_with_who_said_what(harness: Harness) -> None:
    ts = play(harness, 6)[0]
    harness.react("U3", ts, "football")
    harness.react("U4", ts, "football")
    harness.react("U5", ts, "-1")
    harness.settle()
    newest = shown(harness)["verdicts"][0]
    assert (newest["ts"], newest["outcome"]) == (ts, "named")
    assert {emoji for vote in newest["votes"] for emoji in vote["names"]} >= {"football", "scales"}
    assert {vote["user"] for vote in newest["votes"]} >= {"U1", "U2", "U3", "U4"}
    assert set(newest["settled"]) == {"football", "scales"}


def test_a_round_that_has_just_begun_does_not_move_the_headline(harness: Harness) -> None:
    play(harness, 24)
    assert rounds(shown(harness)) == [1]
    assert harness.bot.loop.close_round(WORKSPACE)
    play(harness, 6)
    assert rounds(shown(harness)) == [1], "six posts of a running round are too few"
    play(harness, 14)
    assert rounds(shown(harness)) == [1, 2]


def test_a_change_is_shown_when_the_round_is_over_and_the_figure_over_all_rounds_beside_it(harness: Harness) -> None:
    for _ in range(2):
        play(harness, 24)
        during = shown(harness)
        assert (during["accuracy"][-1]["open"], during["change"]) == (True, None), "nothing moves in mid-round"
        assert harness.bot.loop.close_round(WORKSPACE)
    after = shown(harness)
    before, now = (one["all"] for one in after["accuracy"])
    assert [one["open"] for one in after["accuracy"]] == [False, False]
    assert after["change"]["value"] == pytest.approx(now["value"] - before["value"])
    assert after["change"]["chance"] == (after["change"]["low"] <= 0 <= after["change"]["high"])
    assert after["overall"]["rounds"] == 2
    assert after["overall"]["all"]["n"] == before["n"] + now["n"]


def test_the_reward_is_the_same_number_wherever_it_is_shown(harness: Harness) -> None:
    ts = harness.posts(1)[0]
    for user, name in (("U1", harness.emoji(ts)), ("U2", "scales"), ("U3", "scales"), ("U4", "scales")):
        harness.react(user, ts, name)
    harness.settle()
    document = shown(harness)
    with harness.bot.store.read(WORKSPACE) as tx:
        (exported,) = map(row_of, settled_posts(tx, Only(), str))
    assert document["verdicts"][0]["reward"] == document["row"]["reward"] == exported["reward"] == 0.25


def test_what_is_remembered_shows_the_same_as_what_is_read_anew(harness: Harness) -> None:
    panel = Panel()
    for _ in range(4):
        first, *_ = play(harness, 5)
        assert but_drift(shown(harness, panel)) == but_drift(shown(harness))
        assert harness.bot.loop.close_round(WORKSPACE)
        harness.react("U9", first, "football")  # late: it teaches, and shows at once
        harness.settle()
        late = shown(harness, panel)
        assert but_drift(late) == but_drift(shown(harness))
        assert late["verdicts"][0]["ts"] == first


def test_a_settling_reads_no_more_than_the_newest_two_rounds(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel()
    for _ in range(4):
        play(harness, 5)
        assert harness.bot.loop.close_round(WORKSPACE)
    shown(harness, panel)
    asked = []
    with harness.bot.store.read(WORKSPACE) as tx:
        verdicts = type(tx.verdicts)
        settled = verdicts.settled
        monkeypatch.setattr(
            verdicts, "settled", lambda self, *, rounds=None: asked.append(rounds) or settled(self, rounds=rounds)
        )
        panel.of(tx)
    assert asked == [[4, 5]]
