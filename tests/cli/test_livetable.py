"""The demo's table: without a terminal, it still prints the address and the rounds while it plays."""

import pytest

from tierbot.cli.livetable import LiveTable

ESTIMATE = {"n": 40, "value": 0.7, "low": 0.55, "high": 0.82}
RECORD = {
    "round": 1,
    "posts": 40,
    "reactions": 200,
    "verdicts": 38,
    "accuracy": {"all": ESTIMATE, "blank": ESTIMATE},
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
    assert "🏆 Bruno, 31" in told.out
    assert "http" not in told.out, "what goes to a file is the table"
