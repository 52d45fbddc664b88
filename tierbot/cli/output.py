"""How commands print: text, tables and JSON to standard output; progress and notes to standard error.

Rich's markup ([red], :pizza:) is off, because titles and file names may look like it. Control characters are escaped in
whatever these consoles print: a title may hold a terminal's commands.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Annotated, Any

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment
from rich.table import Table

from tierbot.cli.streams import unguarded, writes_utf8
from tierbot.logs import one_line, visible

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
_WIDTH = None if unguarded(sys.stdout).isatty() else 140  # wide enough that a table in a file isn't wrapped


class _Visible:
    """What a console prints, with control characters escaped; the console's own (colors, moves) stay."""

    def __init__(self, printed: Any) -> None:
        self._printed = printed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self._printed, options):
            yield Segment(text if control else visible(text), style, control)


class _Escape(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(one) for one in renderables]


class _Console(Console):
    """A console without Rich's markup, whose text holds no control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, soft_wrap=True, **options)
        self.push_render_hook(_Escape())

    @property  # type: ignore[misc]  # nobody sets it
    def file(self) -> IO[str]:
        """The stream itself: only this console writes escape sequences to it."""
        stream: IO[str] = unguarded(super().file)
        return stream


out, err = _Console(width=_WIDTH), _Console(stderr=True)


def print_json(value: Any, indent: int | None = None) -> None:
    """Print one JSON value, on one line unless indented; in ASCII escapes if standard output isn't UTF-8."""
    escaped = not writes_utf8(sys.stdout)
    print(json.dumps(value, ensure_ascii=escaped, default=str, indent=indent), flush=True)  # noqa: T201 - this is the output


def tell(text: str, values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a command's result: the text for people, or the values as JSON."""
    if as_json:
        print_json(values)
    else:
        out.print(text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table for people."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(one_line(str(cell)) for cell in row))
    out.print(table)


def shown(value: Any) -> str:
    """Write a value for people: a string unchanged, None as a dash, anything else as JSON."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: "1 feed", "2 feeds"; `plural` if it isn't the noun with an s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def percent(estimate: Mapping[str, Any]) -> str:
    """Write an estimate as "71% (64–77, n = 180)"."""
    if not estimate.get("n"):
        return "–"
    value, low, high = (round(100 * estimate[name]) for name in ("value", "low", "high"))
    return f"{value}% ({low}–{high}, n = {estimate['n']})"
