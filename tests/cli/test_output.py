"""What commands print is printed as it is, however much it looks like Rich's own markup."""

import pytest

from tierbot.cli.output import err, out, print_table
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
