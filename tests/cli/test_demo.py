"""What `tierbot demo` plays by default, and that its help says the same."""

import re
from typing import Any

import pytest
from typer.testing import CliRunner

from tierbot.app.demo import play as demo
from tierbot.app.demo.play import DemoSettings
from tierbot.cli.app import app


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[DemoSettings]:
    """Return what would have been played."""
    found: list[DemoSettings] = []

    def play(settings: DemoSettings, *_: Any, **__: Any) -> list[dict[str, Any]]:
        found.append(settings)
        return []

    monkeypatch.setattr(demo, "play", play)
    return found


def asked(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["demo", *arguments], env={"COLUMNS": "300", "TERM": "dumb"})
    assert ended.exit_code == 0, ended.output
    return re.sub(r"[\s│]+", " ", ended.output)


def test_exit_alone_plays_three_rounds_at_full_speed_and_nothing_else_changes(played: list[DemoSettings]) -> None:
    asked()
    asked("--exit")
    watched, fast = played
    assert (watched.rounds, fast.rounds) == (None, 3)
    assert (watched.posts, fast.posts, watched.seed, fast.seed) == (200, 200, 0, 0)
    assert fast.speed > watched.speed
    assert fast.posts_per_second > watched.posts_per_second


def test_json_changes_what_is_printed_and_not_what_is_played(played: list[DemoSettings]) -> None:
    asked("--rounds", "2")
    asked("--rounds", "2", "--json")
    assert played[0] == played[1]


def test_the_help_says_the_defaults_and_why_a_seed_does_not_fix_the_figures() -> None:
    said = asked("--help")
    assert "[default: 3 with --exit, else until Ctrl-C]" in said
    assert "Posts per round. [default: 200]" in said
    assert "Figures still vary by a few points, because colleagues react in real time" in said
