"""A command that reads never makes a database: it says that there is none yet, and what to do."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import build_harness
from tierbot.cli.app import app

READING = (
    "status",
    "models list",
    "models show m0001",
    "feeds list",
    "boundaries",
    "explain P1",
    "audit",
    "trainers",
    "doubts",
    "export",
    "report",
    "export-person U1",
    "simulate fit",
    "db check",
    "db backup copy.db",
    "db copy sqlite:///other.db",
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///cli.db")


@pytest.mark.parametrize("command", READING)
def test_a_reading_command_without_a_database_makes_none(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 1
    assert "cli.db: there is no database yet. Start the bot once (`tierbot run`), or check DATABASE_URL." in str(
        result.exception
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [command for command in READING if not command.startswith("db ")])
def test_an_empty_file_is_no_database_and_stays_empty(command: str, tmp_path: Path) -> None:
    (tmp_path / "cli.db").touch()
    result = CliRunner().invoke(app, command.split())
    assert "there is no database yet" in str(result.exception)
    assert [(one.name, one.stat().st_size) for one in tmp_path.iterdir()] == [("cli.db", 0)]


def test_classifying_needs_no_database_and_makes_none(tmp_path: Path) -> None:
    (tmp_path / "cli.db").touch()
    result = CliRunner().invoke(app, ["classify", "The recipe that made a village famous for pizza"])
    assert result.exit_code == 0, result.exception
    assert [(one.name, one.stat().st_size) for one in tmp_path.iterdir()] == [("cli.db", 0)]


@pytest.mark.parametrize("command", ["add", "import"])
def test_a_missing_input_is_named_before_the_missing_database(command: str) -> None:
    result = CliRunner().invoke(app, [command, "nowhere.jsonl"])
    assert str(result.exception) == "nowhere.jsonl: there is no such file. Check the path."


def test_an_unusable_file_of_boundaries_is_an_error_of_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_harness(tmp_path).bot.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    monkeypatch.setenv("TIERBOT_BOUNDARIES", "nowhere.toml")
    result = CliRunner().invoke(app, ["boundaries"])
    assert str(result.exception).startswith("nowhere.toml: cannot be read")
