"""`tierbot add` from end to end: its counts add up, and a file without a usable row is an error."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import build_harness
from tierbot.cli.app import app


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    build_harness(tmp_path).bot.close()


def add(*lines: str, name: str = "stories.jsonl", command: str = "add") -> Any:
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return CliRunner().invoke(app, [command, name])


def story(title: str, url: str) -> str:
    return json.dumps({"title": title, "url": url})


def test_the_counts_add_up_the_first_time_and_the_second() -> None:
    lines = (
        story("Rocket lands on its feet after a night in orbit", "https://news.example/rocket"),
        story("Rocket lands on its feet after a night in orbit", "https://other.example/rocket"),
        story("The recipe that made a village famous for pizza", "https://news.example/pizza"),
        "{oops",
    )
    first, second = add(*lines), add(*lines)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == "4 rows read: 2 new, 1 duplicate, 0 already there, 1 refused.\n"
    assert second.stdout == "4 rows read: 0 new, 0 duplicates, 3 already there, 1 refused.\n"
    for said in (first.stdout, second.stdout):
        total, *parts = map(int, re.findall(r"\d+", said))
        assert total == sum(parts)
    told = CliRunner().invoke(app, ["add", "stories.jsonl", "--json"]).stdout
    assert json.loads(told) == {"rows": 4, "new": 0, "duplicates": 0, "known": 3, "refused": 1}


@pytest.mark.parametrize("command", ["add", "import"])
def test_a_file_whose_every_row_is_refused_is_an_error(command: str) -> None:
    result = add('{"titel": "One"}', "{oops", command=command)
    assert result.exit_code == 1
    assert "every row was refused, so nothing was added" in str(result.exception)
    assert "stories.jsonl:1: refused: the row has neither title nor text; add a field named title" in result.stderr


def test_the_advice_for_a_jsonl_file_is_about_jsonl() -> None:
    result = add("One headline in plain words", story("Two", "https://news.example/2"))
    assert result.exit_code == 0, result.exception
    assert "stories.jsonl:1: refused: the row is not valid JSON" in result.stderr
    assert "write one JSON object per line" in result.stderr
    assert "header" not in result.stderr
    assert "2 rows read: 1 new" in result.stdout
