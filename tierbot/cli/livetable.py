"""The demo's table in the terminal: one line per round; the current round's line updates live."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tierbot.cli.output import err, out
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
            f"{status.named + status.wrong} of {self._posts}",
            _figure(asdict(status.accuracy)),
            "",
            "",
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
                f"{record['verdicts']} of {record['posts']}",
                _figure(record["accuracy"]["all"]),
                _figure(record["accuracy"]["all_rounds"]),
                _points(record["gain"]),
                record["model"] if record["promoted"] else "kept",
                f"{leader['user']} {leader['score']}" if leader else "",
            )
        )

    def _draw(self) -> Group:
        columns = ("round", "settled", "right", "all rounds", "vs. first model", "model", "leader")
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for name in columns:
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for row in [*self._rows, *([self._playing] if self._playing else [])]:
            table.add_row(*row)
        below = Text(f"{time.monotonic() - self._began:5.0f} s  {self._saying}" if self._saying else "", style="dim")
        played = [table] if self._rows or self._playing else []  # an error before the first round stands alone
        return Group(*([Text(self._hint)] if self._hint else []), *played, below)


def _figure(estimate: Mapping[str, Any]) -> str:
    """Write an estimate with its 95% interval, short enough for 80 columns: "71% (64–77)"."""
    if not estimate.get("n"):
        return "–"
    value, low, high = (round(100 * estimate[name]) for name in ("value", "low", "high"))
    return f"{value}% ({low}–{high})"


def _points(gain: Mapping[str, Any] | None) -> str:
    """Write a gain in points with its 95% interval: "+16 (10 to 22)"."""
    if gain is None:
        return "–"
    value, low, high = (round(100 * gain[name]) for name in ("value", "low", "high"))
    return f"{value:+d} ({low} to {high})".replace("-", "−")
