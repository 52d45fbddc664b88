"""`tierbot demo`: the whole loop on this machine, in minutes."""

import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tierbot.cli.livetable import LiveTable
from tierbot.cli.output import err, print_json

_POSTS = 200  # a round; enough that a curve over two rounds is more than chance
_LIVE_SPEED = 600.0  # colleagues react within seconds instead of minutes
_LIVE_PER_SECOND = 5.0  # a round's posts in about a minute
_FAST_SPEED = 3000.0
_FAST_PER_SECOND = 1000.0


def demo(
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Number of rounds. [default: 3 with --exit, else until Ctrl-C]")
    ] = None,
    exit_: Annotated[
        bool, typer.Option("--exit", help="Run at full speed instead of a watchable one, and exit after the rounds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per round.")] = False,
    seed: Annotated[
        int,
        typer.Option(
            help="Random seed for stories, colleagues and draws. Figures still vary by a few points, because colleagues "
            "react in real time."
        ),
    ] = 0,
    posts: Annotated[int, typer.Option(min=1, max=500, help="Posts per round.")] = _POSTS,
    archive: Annotated[Path | None, typer.Option(help="Play this labeled archive, with its own tags.")] = None,
    start: Annotated[int, typer.Option(min=10, help="Rows of the archive to train the first model on.")] = 500,
    colleagues: Annotated[int, typer.Option(min=1, max=200, help="Number of simulated colleagues.")] = 8,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the workspace's page; 0: any free port.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Save the demo's database to this new file.")] = None,
) -> None:
    """Play with simulated colleagues in a local sandbox workspace; nothing leaves this machine.

    Examples: `tierbot demo`, and for scripts `tierbot demo --rounds 3 --exit --json`
    """
    from tierbot.app.demo.play import DemoSettings, play
    from tierbot.logs import log_to_stderr

    log_to_stderr("WARNING")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop all processes, as on Ctrl-C
    settings = DemoSettings(
        rounds=rounds if rounds is not None else (3 if exit_ else None),
        posts=posts,
        seed=seed,
        archive=archive,
        start=start,
        colleagues=colleagues,
        port=port,
        keep=keep,
        speed=_FAST_SPEED if exit_ else _LIVE_SPEED,
        posts_per_second=_FAST_PER_SECOND if exit_ else _LIVE_PER_SECOND,
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
        err.print("Goodbye.")


class _Narrator:
    """Prints each step and the seconds so far on standard error."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, what: str) -> None:
        err.print(Text(f"{time.monotonic() - self._began:5.0f} s", "dim"), "", what)
