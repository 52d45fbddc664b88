"""The demo's table in the terminal: one line per round; the current round's line updates live."""

import time
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tierbot.cli.output import err, out, percent
from tierbot.domain.rounds.boards import RoundStatus

_HINT = (
    "Open {address} and react yourself. Try /leaderboard, /myscore, /tier help, and “Why this tag?” in a post's ⋮ menu."
)


class LiveTable:
    """Rounds as they are played. Without a terminal, it prints the hint right away and the rounds at the end."""

    def __init__(self, posts: int, *, endless: bool = True) -> None:
        """Take the number of posts per round, and whether the demo runs until Ctrl-C."""
        self._posts = posts
        self._end = " Press Ctrl-C to stop." if endless else " It stops after the last round."
        self._began = time.monotonic()
        self._rows: list[tuple[str, ...]] = []
        self._playing: tuple[str, ...] | None = None
        self._saying = ""
        self._hint = ""
        self._live = Live(console=out, get_renderable=self._draw, refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw one last time."""
        self._saying = ""
        self._live.stop()

    def say(self, what: str) -> None:
        """Show the current step; the workspace's address stays visible."""
        if "http" in what:
            hint = _HINT.format(address=what.rpartition(" ")[2]) + self._end
            if out.is_terminal:
                self._hint = hint
            else:
                err.print(hint)
        elif not out.is_terminal:
            err.print(f"{time.monotonic() - self._began:5.0f} s  {what}")
        self._saying = what

    def watch(self, status: RoundStatus) -> None:
        """Update the current round's line."""
        self._playing = (
            str(status.round.number),
            f"{status.posts} of {self._posts}",
            "",
            str(status.named + status.wrong),
            percent(asdict(status.accuracy)),
            percent(asdict(status.blank_accuracy)),
            "",
            "",
        )

    def finished(self, record: dict[str, Any]) -> None:
        """Add a finished round's line."""
        leader = record["standings"][0] if record["standings"] else None
        self._playing = None
        self._rows.append(
            (
                str(record["round"]),
                str(record["posts"]),
                str(record["reactions"]),
                str(record["verdicts"]),
                percent(record["accuracy"]["all"]),
                percent(record["accuracy"]["blank"]),
                f"{record['model']} {'promoted' if record['promoted'] else 'refused'}",
                f"🏆 {leader['user']}, {leader['score']}" if leader else "",
            )
        )

    def _draw(self) -> Group:
        columns = ("round", "posts", "reactions", "verdicts", "accuracy", "blank arm", "model", "leading")
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for row in [*self._rows, *([self._playing] if self._playing else [])]:
            table.add_row(*row)
        below = Text(f"{time.monotonic() - self._began:5.0f} s  {self._saying}" if self._saying else "", style="dim")
        return Group(*([Text(self._hint)] if self._hint else []), table, below)
