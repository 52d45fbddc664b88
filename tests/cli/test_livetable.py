"""The demo's table: without a terminal, it still prints the address and the rounds while it plays."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tierbot.cli.livetable import LiveTable
from tierbot.domain.nouns import Estimate, Round
from tierbot.domain.rounds.boards import RoundStatus

ESTIMATE = {"n": 40, "value": 0.7, "low": 0.55, "high": 0.82}
RECORD = {
    "round": 1,
    "posts": 40,
    "reactions": 200,
    "verdicts": 38,
    "accuracy": {"all": ESTIMATE, "blank": ESTIMATE, "all_rounds": ESTIMATE},
    "gain": None,
    "model": "m0002",
    "promoted": True,
    "standings": [{"user": "Bruno", "score": 31}],
}


def test_without_a_terminal_the_address_is_told_at_once_and_the_rounds_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with LiveTable(40) as table:
        table.say("Loading …")
        table.say("The workspace is open at http://127.0.0.1:4242/")
        told = capsys.readouterr()
        assert "Open http://127.0.0.1:4242/ and react yourself." in told.err
        assert "/leaderboard" in told.err
        table.finished(RECORD)
    told = capsys.readouterr()
    assert "Bruno 31" in told.out
    assert "http" not in told.out, "what goes to a file is the table"


def test_a_finished_and_a_running_round_fit_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Console(width=80, record=True, file=io.StringIO(), highlight=False)
    monkeypatch.setattr("tierbot.cli.livetable.out", narrow)
    half = Estimate(150, 0.7, 0.62, 0.77)
    now = datetime(2026, 11, 29, tzinfo=UTC)
    few = Estimate(3, 1.0, 0.44, 1.0)
    running = RoundStatus(Round(12, now, now), 200, 150, 140, 10, 0, 8, half, few)
    wide = {"n": 191, "value": 0.83, "low": 0.77, "high": 0.88}
    with LiveTable(200) as table:
        for number, promoted in ((10, True), (11, False)):
            table.finished(
                {
                    **RECORD,
                    "round": number,
                    "posts": 200,
                    "verdicts": 192,
                    "accuracy": dict.fromkeys(("all", "blank", "all_rounds"), wide),
                    "gain": {"n": 190, "value": 0.16, "low": 0.1, "high": 0.22} if promoted else None,
                    "promoted": promoted,
                    "standings": [{"user": "Dolores", "score": 155}],
                }
            )
        table.watch(running)
    lines = [line.rstrip() for line in narrow.export_text().splitlines() if line.strip()][-4:]
    assert lines == [
        "round  settled     right        all rounds   vs. first model  model  leader",
        "10     192 of 200  83% (77–88)  83% (77–88)  +16 (10 to 22)   m0002  Dolores 155",
        "11     192 of 200  83% (77–88)  83% (77–88)  –                kept   Dolores 155",
        "12     150 of 200  70% (62–77)",
    ]
