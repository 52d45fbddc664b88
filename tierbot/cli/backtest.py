"""`tierbot backtest`: the bot's own deciders on your labelled archive, before it bothers one colleague."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.output import err, out, percent, print_json

if TYPE_CHECKING:
    from tierbot.simulate.backtest import RoundResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    archive: Annotated[
        Path, typer.Argument(help="Labelled archive: JSONL or CSV with title and tags, gzipped or not.")
    ],
    start: Annotated[
        int | None, typer.Option(min=0, help="Rows the start model learns from; 0: descriptions only.")
    ] = None,
    start_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="As many rows as it takes to reach this accuracy, e.g. 0.73.")
    ] = None,
    window: Annotated[
        int, typer.Option(min=0, help="The last rows, never shown, that each round is measured on.")
    ] = 3000,
    posts_per_round: Annotated[int, typer.Option(min=1, help="Posts a round.")] = 500,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds; without it, until the archive ends.")] = None,
    trainers: Annotated[str, typer.Option(help="A TOML file, `default` or `perfect`.")] = "default",
    policy: Annotated[str, typer.Option(help="What to show; an unknown one lists those there are.")] = "explore",
    selection: Annotated[str, typer.Option(help="What to ask about.")] = "mix",
    aggregator: Annotated[str, typer.Option(help="How votes settle.")] = "plain",
    learner: Annotated[str, typer.Option(help="How challengers are made.")] = "default",
    plot: Annotated[Path | None, typer.Option(help="Draw the learning curve into this PNG.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per round and line.")] = False,
) -> None:
    """Replay a labelled archive with simulated trainers and say how accurate the bot would have been, by round.

    Example: `tierbot backtest stories.jsonl.gz --rounds 8 --posts-per-round 200 --plot curve.png`
    """
    import numpy as np

    from tierbot.bootstrap import SystemClock
    from tierbot.edges.archives import read_archive
    from tierbot.edges.encoder import encoder_of
    from tierbot.settings import load_settings
    from tierbot.simulate.backtest import backtest as replay
    from tierbot.simulate.choices import BacktestSettings

    settings = BacktestSettings(
        start=start,
        start_accuracy=start_accuracy,
        window=window,
        posts_per_round=posts_per_round,
        rounds=rounds,
        trainers=trainers,
        policy=policy,
        selection=selection,
        aggregator=aggregator,
        learner=learner,
        seed=seed,
    )
    rows = read_archive(archive, now=SystemClock().now(), strict=False)
    played = []
    encoder = encoder_of(load_settings().encoder)
    for result in replay(
        rows, settings, encoder, np.random.default_rng(seed), progress=lambda what: err.print(what, style="dim")
    ):
        played.append(result)
        if as_json:
            print_json(result.as_json())
        else:
            _show(result)
    if plot is not None:
        _draw(played, plot)


def _show(result: "RoundResult") -> None:
    record = result.as_json()
    window = "" if result.window_accuracy is None else f"   window {result.window_accuracy:.1%}"
    out.print(
        f"Round {result.round:3}: {result.posts} posts, {result.clicks} clicks   "
        f"accuracy {percent(record['accuracy']['all'])}, blank {percent(record['accuracy']['blank'])}{window}   "
        f"{result.model} {'promoted' if result.promoted else 'refused'}, {result.seconds:.1f} s"
    )


def _draw(played: "list[RoundResult]", path: Path) -> None:
    from tierbot.outputs.curves import learning_curve

    path.write_bytes(learning_curve(played))
    err.print(f"Drawn: {path}")
