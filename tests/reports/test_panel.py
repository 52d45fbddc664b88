"""The panel: what it says of rounds, verdicts, model and one row, and that it reads no round twice for nothing."""

import json

import pytest

from tests.conftest import WORKSPACE, Harness
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
