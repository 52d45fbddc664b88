"""`tierbot report` from end to end, and the same page behind `tierbot web`'s token."""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from typer.testing import CliRunner

from tests.conftest import Harness, build_harness
from tierbot.adapters.http.routes import report_routes
from tierbot.app.serving import _report as report_of_web
from tierbot.cli.app import app
from tierbot.domain.nouns import TierbotError

TOKEN = "correct-horse-battery"


@pytest.fixture
def played(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    harness.know("UANNA", "UBEN")
    for ts in harness.posts(3):
        for user in ("UANNA", "UBEN"):
            harness.react(user, ts, harness.emoji(ts))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    return harness


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["report", *arguments])
    assert result.exit_code == 0, result.exception
    return result.stdout


def test_the_report_settles_first_and_is_one_file(played: Harness) -> None:
    assert run() == "report.html: 3 verdicts in 1 round.\n"
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "UANNA" not in page
    assert "UANNA" in run("--out", "-", "--identities")


def test_only_its_owner_may_read_the_page(played: Harness) -> None:
    Path("report.html").write_text("one that others may read")
    Path("report.html").chmod(0o644)
    run()
    assert Path("report.html").stat().st_mode & 0o777 == 0o600


def test_the_figures_come_as_one_json_object_and_write_no_page(played: Harness) -> None:
    found = json.loads(run("--json"))
    assert (found["posts"], found["votes"], found["verdicts"]) == (3, 6, 3)
    assert not Path("report.html").exists()


def page_for(workspace: str | None) -> str:
    if workspace not in {None, "T1"}:
        raise TierbotError("There is no such workspace.")
    return f"<p>figures of {workspace or 'the only one'}</p>"


@pytest.mark.parametrize(("path", "told"), [("/report", "the only one"), ("/report/T1", "T1")])
def test_the_page_is_behind_the_token_and_kept_by_nobody(path: str, told: str) -> None:
    client = TestClient(Starlette(routes=report_routes(TOKEN, page_for, "default-src 'none'")))
    assert client.get(path).status_code == 401
    answer = client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.text) == (200, f"<p>figures of {told}</p>")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert client.post(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_an_unknown_workspace_is_not_found() -> None:
    client = TestClient(Starlette(routes=report_routes(TOKEN, page_for, "")))
    answer = client.get("/report/T2", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.text) == (404, "There is no such workspace.")


def test_tierbot_web_has_the_page_only_where_a_token_is_set(tmp_path: Path, harness: Harness) -> None:
    assert report_of_web(harness.bot) == ()
    (tmp_path / "guarded").mkdir()
    guarded = build_harness(tmp_path / "guarded", web_token=TOKEN)
    client = TestClient(Starlette(routes=report_of_web(guarded.bot)))
    answer = client.get("/report", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "<h1>tierbot: Test</h1>" in answer.text
    assert client.get("/report/TOTHER", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 404
    guarded.bot.close()
