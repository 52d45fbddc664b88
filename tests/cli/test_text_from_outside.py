"""Whatever text came from outside, no command prints what controls a terminal: each writes to a shell's streams."""

import io
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_output import COMMANDS as CONTROLS
from tests.support.rows import TEAM, delivery
from tierbot.adapters.store import open_store
from tierbot.app.bot import SystemClock
from tierbot.cli import main
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.use_cases.ports import Workspace

NOW = SystemClock().now()
EVIL = "Pizza\x1b]0;owned\x07\x1b[2J\x9b31m\u202ereversed\u2028next\rover"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a database and files in which every text holds a terminal's commands."""
    with closing(open_store(f"sqlite:///{tmp_path}/cli.db")) as store, store.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, EVIL, NOW, channel=EVIL))
        feed = Feed(f"https://evil.example/{EVIL}", EVIL)
        tx.feeds.add([feed], ListedBy.PEOPLE)
        tx.feeds.polled(FeedResult(feed, (), FeedMemory(), problem=EVIL, notes=(EVIL,)), NOW, 0)
        tx.workspaces.audit(EVIL, EVIL, EVIL, {EVIL: EVIL}, NOW)
        tx.outbox.add([delivery("evil")])
        tx.outbox.park(tx.outbox.claim(NOW, NOW, 1)[0], EVIL)
    Path(tmp_path, "rows.csv").write_text(f'title,url\n{EVIL},"\n"{EVIL}",x\n', "utf-8")
    Path(tmp_path, "tags.toml").write_text(f'[[tag]]\nid = "{EVIL.encode("ascii", "ignore").decode()}"\n', "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        ["classify", EVIL],
        ["feeds", "list"],
        ["feeds", "check", f"https://localhost:1/{EVIL}"],
        ["outbox", "list"],
        ["status"],
        ["audit"],
        ["audit", "--json"],
        ["feeds", "list", "--json"],
        ["tags", "check", "tags.toml"],
        ["tags", "check", f"{EVIL}.toml"],
        ["add", "rows.csv"],
        ["add", f"{EVIL}.csv"],
        ["import", f"{EVIL}.jsonl"],
        ["explain", EVIL],
        [EVIL],
        ["status", EVIL],
    ],
    ids=lambda command: command[0] if command[0] != EVIL else "unknown",
)
def test_no_command_prints_what_controls_a_terminal(
    command: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/cli.db")
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "argv", ["tierbot", *command])
        with pytest.raises(SystemExit):
            main()
    written = ""
    for stream in (out, err):
        stream.flush()
        written += stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert written
    assert "Traceback" not in written
    assert CONTROLS.findall(written) == []
