"""`tierbot demo`: TIER from end to end, on this machine, in minutes."""

import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tierbot.cli.livetable import LiveTable
from tierbot.cli.output import err, print_json

_LIVE_POSTS = 40
_LIVE_SPEED = 240.0  # colleagues who would take some minutes take some seconds
_LIVE_PER_SECOND = 0.5
_FAST_SPEED = 3000.0
_FAST_PER_SECOND = 1000.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    rounds: Annotated[int | None, typer.Option(min=1, help="How many rounds; without it, until Ctrl-C.")] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="As fast as it goes, and end after the rounds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per round and line.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of stories, colleagues and draws.")] = 0,
    posts: Annotated[int | None, typer.Option(min=1, max=500, help="Posts a round [200 with --exit, else 40].")] = None,
    archive: Annotated[Path | None, typer.Option(help="Play this labeled archive, on its own tags.")] = None,
    start: Annotated[int, typer.Option(min=10, help="Rows of the archive that the first model learns from.")] = 500,
    colleagues: Annotated[int, typer.Option(min=1, max=200, help="How many simulated colleagues.")] = 8,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the workspace's page; 0: any free one.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Keep the demo's database in this new file, to look at it.")] = None,
) -> None:
    """Play TIER with simulated colleagues in a workspace in a box; nothing leaves this machine.

    Examples: `tierbot demo`, and for scripts `tierbot demo --rounds 3 --exit --json`
    """
    from tierbot.app.demo.play import DemoSettings, play
    from tierbot.logs import log_to_stderr

    log_to_stderr("WARNING")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended, as on Ctrl-C
    fast = exit_ or as_json
    settings = DemoSettings(
        rounds=rounds if rounds is not None else (3 if exit_ else None),
        posts=posts or (200 if fast else _LIVE_POSTS),
        seed=seed,
        archive=archive,
        start=start,
        colleagues=colleagues,
        port=port,
        keep=keep,
        speed=_FAST_SPEED if fast else _LIVE_SPEED,
        posts_per_second=_FAST_PER_SECOND if fast else _LIVE_PER_SECOND,
    )
    try:
        if as_json:
            for record in play(settings, say=_Narrator()):
                print_json(record)
        else:
            with LiveTable(settings.posts, endless=settings.rounds is None) as table:
                for record in play(settings, table.say, table.watch):
                    table.finished(record)
    except KeyboardInterrupt:
        err.print("Good bye.")


class _Narrator:
    """Says on standard error what goes on, and since when."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, what: str) -> None:
        err.print(Text(f"{time.monotonic() - self._began:5.0f} s", "dim"), "", what)
