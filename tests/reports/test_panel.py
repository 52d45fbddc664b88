"""The panel: what it says of rounds, verdicts, model and one row, and that it reads no round twice for nothing."""

import json

import pytest

from tests.conftest import WORKSPACE, Stage
from tierbot.reports.panel import Panel


def play(stage: Stage, posts: int) -> list[str]:
    found = stage.posts(posts)
    for place, ts in enumerate(found):
        for user in ("U1", "U2"):
            stage.react(user, ts, stage.emoji(ts) if place % 3 else "scales")
    stage.bot.loop.settle(WORKSPACE)
    return found


def shown(stage: Stage, panel: Panel | None = None):
    with stage.bot.store.read(WORKSPACE) as tx:
        document = (panel or Panel()).of(tx)
    json.dumps(document)
    return document


def but_drift(document):
    return {name: part for name, part in document.items() if name != "drift"}


def rounds(document):
    return [one["round"] for one in document["accuracy"]]


def test_before_anything_settled_there_is_a_model_and_nothing_else(stage: Stage) -> None:
    document = shown(stage)
    assert (document["accuracy"], document["verdicts"], document["row"]) == ([], [], None)
    assert document["model"]["version"] == "m0001"


def test_the_newest_verdict_is_told_with_who_said_what(stage: Stage) -> None:
    ts = play(stage, 6)[0]
    stage.react("U3", ts, "football")
    stage.react("U4", ts, "football")
    stage.react("U5", ts, "-1")
    stage.bot.loop.settle(WORKSPACE)
    newest = shown(stage)["verdicts"][0]
    assert (newest["ts"], newest["outcome"]) == (ts, "named")
    assert {emoji for vote in newest["votes"] for emoji in vote["names"]} >= {"football", "scales"}
    assert {vote["user"] for vote in newest["votes"]} >= {"U1", "U2", "U3", "U4"}
    assert set(newest["settled"]) == {"football", "scales"}


def test_a_round_that_has_just_begun_does_not_move_the_headline(stage: Stage) -> None:
    play(stage, 24)
    assert rounds(shown(stage)) == [1]
    assert stage.bot.loop.close_round(WORKSPACE)
    play(stage, 6)
    assert rounds(shown(stage)) == [1], "six posts of a running round are too few"
    play(stage, 14)
    assert rounds(shown(stage)) == [1, 2]


def test_what_is_remembered_shows_the_same_as_what_is_read_anew(stage: Stage) -> None:
    panel = Panel()
    for _ in range(4):
        first, *_ = play(stage, 5)
        assert but_drift(shown(stage, panel)) == but_drift(shown(stage))
        assert stage.bot.loop.close_round(WORKSPACE)
        stage.react("U9", first, "football")  # late: it teaches, and shows at once
        stage.bot.loop.settle(WORKSPACE)
        late = shown(stage, panel)
        assert but_drift(late) == but_drift(shown(stage))
        assert late["verdicts"][0]["ts"] == first


def test_a_settling_reads_no_more_than_the_newest_two_rounds(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel()
    for _ in range(4):
        play(stage, 5)
        assert stage.bot.loop.close_round(WORKSPACE)
    shown(stage, panel)
    asked = []
    with stage.bot.store.read(WORKSPACE) as tx:
        verdicts = type(tx.verdicts)
        settled = verdicts.settled
        monkeypatch.setattr(
            verdicts, "settled", lambda self, *, rounds=None: asked.append(rounds) or settled(self, rounds=rounds)
        )
        panel.of(tx)
    assert asked == [[4, 5]]
