"""What commands print: text as it is, however much it looks like Rich's own markup, and values in plain words."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from typer.testing import CliRunner

from tierbot.adapters.store import NoDatabaseError
from tierbot.cli.app import app
from tierbot.cli.output import err, out, print_json, print_table, shown, tell
from tierbot.cli.streams import prepare_streams, unguarded
from tierbot.cli.tags import list_tags
from tierbot.logs import visible

TRAP = "[/bold] [red]x[/red] :pizza: q[/b].jsonl"


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    out.print(TRAP)
    err.print(TRAP)
    assert capsys.readouterr() == (TRAP + "\n", TRAP + "\n")


def test_tables_show_their_cells_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("title",), [(TRAP,)])
    assert TRAP in capsys.readouterr().out


HOSTILE = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\n\r\x1b\x07\x9b\x9d\u2028\u202e\u2066"))
)
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Terminal(io.TextIOWrapper):
    """Standard output or error, as a terminal or a pipe."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        return self.buffer.getvalue().decode()


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@given(HOSTILE)
def test_no_text_from_outside_controls_a_terminal_whoever_prints_it(terminal: bool, text: str) -> None:
    said = f"{text}\x1b[2J\x9b1m\x1b]0;title\x07"
    with pytest.MonkeyPatch.context() as patch:
        streams = Terminal(terminal=terminal), Terminal(terminal=terminal)
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        prepare_streams()
        prepare_streams()
        for console in (out, err):
            console.print(said, Text(said))
        print_table((said,), [(said, said)])
        tell(said, {}, as_json=False)
        print_json({said: said})
        typer.echo(said)
        Console(stderr=True).print(Text(said, "red"), Panel(said, title=Text(said)))  # as Typer prints usage errors
        print(said, file=sys.stderr)  # noqa: T201 - as a package may
        sys.stderr.writelines([said])
        if terminal:
            sys.stdout.buffer.write(said.encode())
    for stream in streams:
        assert COMMANDS.findall(stream.text) == []
        assert "\\u001b[2J" in stream.text


def test_an_export_into_a_pipe_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal(terminal=False)
    monkeypatch.setattr(sys, "stdout", stream)
    prepare_streams()
    sys.stdout.buffer.write(b"\x1b\xff")
    assert stream.buffer.getvalue() == b"\x1b\xff"


def test_our_own_colors_reach_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal(terminal=True))
    monkeypatch.setenv("TERM", "xterm-256color")
    prepare_streams()
    type(err)(stderr=True).print("dim\x1b[2J", style="dim")
    assert unguarded(sys.stderr).text == "\x1b[2mdim\\u001b[2J\x1b[0m\n"


def test_a_cell_of_a_table_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("title",), [("one\nforged",)])
    assert capsys.readouterr().out.splitlines()[1].rstrip() == r"one\nforged"


def test_json_read_back_is_what_was_printed(capsys: pytest.CaptureFixture[str]) -> None:
    said = {"title": "\x9b\u202e\u2028\x1b🍕"}
    print_json(said)
    written = capsys.readouterr().out
    assert json.loads(visible(written)) == said


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
