"""What commands print: text as it is, however much it looks like Rich's own markup, and values in plain words."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tierbot.adapters.store import NoDatabaseError
from tierbot.cli.app import app
from tierbot.cli.output import err, out, print_table, shown
from tierbot.cli.tags import list_tags

TRAP = "[/bold] [red]x[/red] :pizza: q[/b].jsonl"


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    out.print(TRAP)
    err.print(TRAP)
    assert capsys.readouterr() == (TRAP + "\n", TRAP + "\n")


def test_tables_show_their_cells_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("title",), [(TRAP,)])
    assert TRAP in capsys.readouterr().out


def test_tags_are_listed_with_slacks_names_of_their_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    list_tags()
    assert ":pizza:" in capsys.readouterr().out


def test_values_of_the_audit_trail_are_shown_without_pythons_signs() -> None:
    assert [shown(None), shown("m0001"), shown({"count": 5})] == ["–", "m0001", '{"count": 5}']


@pytest.mark.parametrize("command", ["report", "audit", "retrain"])
def test_a_command_in_a_folder_without_a_database_makes_none(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///bot.db")
    result = CliRunner().invoke(app, [command])
    assert isinstance(result.exception, NoDatabaseError)
    assert list(tmp_path.iterdir()) == []
