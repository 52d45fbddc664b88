"""Where commands run: consoles that are not UTF-8, closed streams, readers that have seen enough, nobody's home."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from tests.cli.test_cli import commands
from tierbot.cli import main
from tierbot.cli.app import app
from tierbot.cli.streams import argument_text, prepare_home

COMMANDS = commands(typer.main.get_command(app))
TIERBOT = [sys.executable, "-m", "tierbot"]


ENCODINGS = ("ascii", "cp1252", "cp950")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Return what runs a command on a console of an encoding: its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")

    def run(encoding: str, *arguments: str) -> tuple[int, str, str]:
        said = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(said[0], encoding=encoding, write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(said[1], encoding=encoding, write_through=True))
            patch.setattr(sys, "argv", ["tierbot", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
            code = int(ended.value.code or 0)
            return code, said[0].getvalue().decode(encoding), said[1].getvalue().decode(encoding)

    return run


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_commands_help_can_be_read_on_any_console(
    encoding: str, run: Callable[..., tuple[int, str, str]]
) -> None:
    for command in [(), *COMMANDS]:
        code, out, err = run(encoding, *command, "--help")
        assert (code, err) == (0, "")
        assert "Usage: " in out


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", [["tags", "list", "--json"], ["classify", "--json", "日本 café 🍕"]], ids=" ".join)
def test_json_is_the_same_on_any_console(
    command: list[str], encoding: str, run: Callable[..., tuple[int, str, str]]
) -> None:
    _, escaped, _ = run(encoding, *command)
    _, written, _ = run("utf-8", *command)
    assert escaped.isascii()
    assert "🍕" in written
    assert [json.loads(line) for line in escaped.splitlines()] == [json.loads(line) for line in written.splitlines()]


def test_what_a_console_lacks_is_written_in_ascii(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("ascii", "classify", "64–77 … → “x” café 🍕")[1].startswith(r'64-77 ... -> "x" caf\xe9 \U0001f355')
    assert run("cp1252", "classify", "64–77 … → “x” café 🍕")[1].startswith(r"64–77 … -> “x” café \U0001f355")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_error_is_one_line_on_any_console(encoding: str, run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run(encoding, "tags", "check", "日本🍕.toml")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1


def test_an_argument_is_utf_8_whatever_the_locale_says() -> None:
    assert argument_text("日本") == "日本"
    assert argument_text("caf\udcc3\udca9") == "café"  # as a locale of ASCII hands it over
    assert argument_text("caf\udce9") == "caf\ufffd"


def test_a_user_without_a_home_gets_the_name_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HOME", "/somewhere")
    prepare_home()
    assert os.environ["HOME"] == "/somewhere"
    monkeypatch.setattr(Path, "home", homeless)
    prepare_home()
    assert os.environ["HOME"] == "/nonexistent"


@pytest.mark.parametrize(
    "command", [["tags", "list", "--json"], ["tags", "list"], ["export", "--dictionary"]], ids=" ".join
)
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*TIERBOT, *command], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_closed_stream_reads_as_empty_and_discards_what_is_written(tmp_path: Path) -> None:
    listed = f"{sys.executable} -m tierbot tags list --json <&- >&-"
    asked = f"{sys.executable} -m tierbot init <&- 2>&1"
    found = subprocess.run(
        ["/bin/sh", "-c", f"{listed} && {asked}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert found.stderr == ""
    assert found.stdout.strip().endswith("Aborted.")
