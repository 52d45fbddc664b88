"""`tierbot db` as an operator types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.rows import TEAM, event
from tierbot.adapters.store import StoreError, open_store
from tierbot.cli.app import app


@pytest.fixture(autouse=True)
def _own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///bot.db")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["db", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.replace("\n", " ")


def write(event_id: str) -> None:
    store = open_store("sqlite:///bot.db")
    with store.begin(TEAM) as tx:
        tx.ledger.append(event(event_id))
    store.close()


def events() -> list[str]:
    store = open_store("sqlite:///bot.db")
    with store.read(TEAM) as tx:
        found = [one.event_id for one in tx.ledger.events("C1", "100.000001")]
    store.close()
    return found


def test_a_database_is_backed_up_checked_and_put_back() -> None:
    write("Ev1")
    assert "sound, sha256" in run("backup", "one.db")
    write("Ev2")
    assert "one.db" in run("check", "one.db")
    assert "bot.db" in run("check")
    assert "old database is bot.db.before-" in run("restore", "one.db")
    assert events() == ["Ev1"]


def test_each_step_answers_in_json() -> None:
    write("Ev1")
    made, checked = json.loads(run("backup", "one.db", "--json")), json.loads(run("check", "one.db", "--json"))
    assert made == checked
    assert (made["file"], made["bytes"]) == ("one.db", Path("one.db").stat().st_size)
    assert f"{made['sha256']}" in Path("one.db.sha256").read_text()
    restored = json.loads(CliRunner().invoke(app, ["db", "restore", "one.db", "--json"]).stdout)
    assert (restored["file"], restored["schema"]) == ("bot.db", made["schema"])
    assert Path(restored["former"]).is_file()
    assert json.loads(run("copy", "sqlite:///other.db", "--json"))["rows"] > 0


def test_a_backup_is_not_overwritten_by_accident() -> None:
    write("Ev1")
    run("backup", "one.db")
    with pytest.raises(StoreError, match="--force"):
        run("backup", "one.db")
    run("backup", "one.db", "--force")


def test_a_file_from_elsewhere_takes_a_word_more() -> None:
    write("Ev1")
    Path("bot.db").rename("copy.db")
    with pytest.raises(StoreError, match="--no-digest"):
        run("restore", "copy.db")
    run("restore", "copy.db", "--no-digest")
    assert events() == ["Ev1"]
