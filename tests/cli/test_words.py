"""What commands say is in a reader's words: titles, jobs, figures that aren't known, errors before any table."""

import json
from pathlib import Path

import pytest

from tests.cli.test_outbox import store, stuck  # noqa: F401 - fixtures
from tests.conftest import Harness
from tests.domain.articles.test_rows import lines, parse
from tests.support.invoke import run, said
from tierbot.cli.status import _JOBS
from tierbot.domain.articles.rows import ArchiveFormat, BadRow


@pytest.mark.usefixtures("stuck")
def test_the_outbox_names_the_story_and_the_reason() -> None:
    shown = said("outbox", "list").splitlines()
    place = next(number for number, line in enumerate(shown) if line.startswith("p-post"))
    assert shown[place + 1 : place + 3] == ["  “Title a-p1 🍕”", "  Slack refused it: msg_too_long: too long"]
    prefill = next(number for number, line in enumerate(shown) if line.startswith("p-emoji"))
    assert shown[prefill + 2] == "  It belongs to a post that Slack refused, and follows it if that is sent."
    assert "  message about: champion" in shown
    subjects = [json.loads(line)["subject"] for line in said("outbox", "list", "--json").splitlines()]
    assert subjects == ["“Title a-p1 🍕”", "“Title a-p1 🍕”", "message about: champion", "message about: champion"]


def test_every_job_is_told_in_words(harness: Harness) -> None:
    assert set(harness.bot.kinds) <= set(_JOBS)


def test_figures_that_are_not_known_are_dashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labels.csv").write_text("item,worker,label\na,1,x\na,2,x\nb,1,y\n")
    shown = said("settle", "labels.csv")
    assert "None" not in shown
    assert "accuracy           –" in shown
    assert "crowd-kit/mace" in str(run("settle", "labels.csv", "--method", "mace").exception)
    Path("truth.csv").write_text("item,truth\na,x\nb,x\n")
    assert "accuracy           0.5000\naccuracy interval  0." in said("settle", "labels.csv", "--truth", "truth.csv")


@pytest.mark.parametrize("option", [["--keep", "there.db"], ["--archive", "nowhere.csv"]])
def test_an_error_before_the_demo_stands_alone(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.db").touch()
    result = run("demo", *option)
    assert result.exit_code == 1
    assert result.stdout.strip() == ""


@pytest.mark.parametrize("texts", [[""], ["  "], ["Pizza", ""]])
def test_an_empty_text_is_an_error(texts: list[str]) -> None:
    result = run("classify", *texts)
    assert result.exit_code == 1
    assert "empty" in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("rest", [[], ["more"], ["more", "and more"], ['"closed",x'], ["more", 'x"y']])
def test_an_unclosed_quote_is_told_at_its_row(rest: list[str]) -> None:
    bad = parse(lines("title,text", "good,x", '"never closed,x', *rest), ArchiveFormat.CSV)[1]
    assert isinstance(bad, BadRow)
    assert bad.line == 3
