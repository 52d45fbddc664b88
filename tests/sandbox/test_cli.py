"""The sandbox's command line, and that it stands alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError

import tierbot.sandbox
from tierbot.sandbox.cli import announce, build_parser, build_sandbox, main

if TYPE_CHECKING:
    from collections.abc import Callable


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "python -m tierbot.sandbox --port 8765" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--user", "ada:king"], "ada:king"),
        (["--shortcut", "Why"], "NAME=CALLBACK_ID"),
        (["--faults", "{"], "--faults: not valid JSON"),
        (["--after", "soon revoke"], "--after 'soon revoke'"),
        (["--after", "5 sockets {"], "not valid JSON"),
        (["--faults", '{"gremlins": 1}'], "unknown fault: gremlins"),
        (["--timings", '{"naps": 1}'], "naps"),
        (["--manifest", "/nowhere.json"], "/nowhere.json"),
        (["--users", "/nowhere.json"], "/nowhere.json"),
        (["--user", "ada", "--user", "ada"], "name_taken"),
    ],
)
def test_a_wrong_flag_is_named(flags: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags) == 2
    assert complaint in capsys.readouterr().err


def test_beyond_this_machine_a_control_token_is_made_up() -> None:
    def token(*flags: str) -> str | None:
        return build_sandbox(build_parser().parse_args(flags)).settings.control_token

    assert token() is None
    assert token("--host", "::1") is None
    assert token("--host", "0.0.0.0")  # noqa: S104
    assert token("--host", "0.0.0.0", "--control-token", "mine") == "mine"  # noqa: S104


def test_colleagues_come_from_a_file(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text(
        json.dumps([{"name": "ada", "real_name": "Ada L.", "admin": True}, {"name": "gus", "guest": True}])
    )
    box = build_sandbox(build_parser().parse_args(["--users", str(users)]))
    assert (box.find_user("ada").is_admin, box.find_user("@gus").is_external) == (True, True)


def test_a_user_may_have_a_real_name() -> None:
    box = build_sandbox(build_parser().parse_args(["--user", "ada:admin=Ada Lovelace", "--user", "bob"]))
    assert [box.find_user(name).real_name for name in ("ada", "bob")] == ["Ada Lovelace", "bob"]
    assert box.find_user("ada").is_admin


def test_what_happens_at_one_moment_can_be_told_by_flag(start: Callable[..., Any]) -> None:
    calls = ('10 archive {"archived": true}', "20 delete", "21 no_such_call", "30 revoke")
    box = start(*(part for call in calls for part in ("--after", call)))
    post = box.post("an article")

    def archived() -> bool:
        return any(channel["is_archived"] for channel in box.see("state")["channels"])

    def comes_true(fact: Callable[[], bool]) -> bool:
        return any(fact() for _ in range(300))  # each look is a call, which lets the sandbox go on

    def revoked() -> bool:
        try:
            box.web.auth_test()
        except SlackApiError as fault:
            return bool(fault.response["error"] == "token_revoked")
        return False

    assert not archived()
    box.do("clock", advance=10)
    assert comes_true(archived)
    assert post in str(box.see("messages"))
    box.do("clock", advance=15)
    assert comes_true(lambda: post not in str(box.see("messages")))
    assert not revoked()
    box.do("clock", advance=10)
    assert comes_true(revoked)


def test_the_announcement_is_one_line_on_standard_output_and_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(tmp_path / "where", '{"url": "x"}')
    assert capsys.readouterr().out == (tmp_path / "where").read_text() == '{"url": "x"}\n'


def test_message_events_come_only_to_who_subscribed(start: Callable[..., Any]) -> None:
    quiet, curious = start(), start("--events", "message.channels,message.im")
    for box in (quiet, curious):
        box.do("message", user="bob", text="hi")
        direct = box.do("dm", user="bob")["channel"]["id"]
        box.do("message", user="bob", text="psst", channel=direct)
    assert "events" not in quiet.see("stats")
    assert curious.see("stats")["events"] == 2


def test_the_sandbox_imports_nothing_of_the_bot() -> None:
    home = Path(tierbot.sandbox.__file__).parent
    for path in home.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            strange = [
                name for name in names if name.split(".")[0] == "tierbot" and not name.startswith("tierbot.sandbox")
            ]
            assert strange == [], path


def test_it_ends_with_who_started_it_however_that_one_ends() -> None:
    """Killed is killed: no handler runs in the starter, and the sandbox must not keep the port."""
    command = [sys.executable, "-m", "tierbot.sandbox", "--end-with-stdin"]
    starter = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()"
    with subprocess.Popen([sys.executable, "-c", starter, *command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["control_url"]
        assert httpx.get(url + "state", trust_env=False).json()["ok"]
        process.kill()
        assert process.stdout.read() == b"", "the pipe is closed by whoever held it last: the sandbox"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "state", trust_env=False)


def test_told_to_end_while_its_starter_lives_it_ends_without_a_word() -> None:
    command = [sys.executable, "-m", "tierbot.sandbox", "--end-with-stdin"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
