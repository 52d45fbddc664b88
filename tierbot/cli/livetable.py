"""The demo's table in the terminal: a line for each round, the last one growing while it is played."""

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

_TRY = "Open {address} and react yourself. Type /leaderboard, /myscore or /tier help; ⋮ on a post has “Why this tag?”."


class LiveTable:
    """Rounds as they are played. Where output is no terminal, they are printed at the end, and what to try at once."""

    def __init__(self, posts: int, *, endless: bool = True) -> None:
        """Take how many posts a round has, and whether it is played until somebody ends it."""
        self._posts = posts
        self._end = " Ctrl-C ends it." if endless else " It ends by itself after the last round."
        self._began = time.monotonic()
        self._rows: list[tuple[str, ...]] = []
        self._playing: tuple[str, ...] | None = None
        self._saying = ""
        self._hint = ""
        self._live = Live(console=out, get_renderable=self._draw, refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw a last time."""
        self._saying = ""
        self._live.stop()

    def say(self, what: str) -> None:
        """Show what goes on; the workspace's address stays in view."""
        if "http" in what:
            hint = _TRY.format(address=what.rpartition(" ")[2]) + self._end
            if out.is_terminal:
                self._hint = hint
            else:
                err.print(hint)
        elif not out.is_terminal:
            err.print(f"{time.monotonic() - self._began:5.0f} s  {what}")
        self._saying = what

    def watch(self, status: RoundStatus) -> None:
        """Show how the round stands."""
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
        """Keep a round's line for good."""
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
