"""All commands, put together."""

from importlib import metadata
from typing import Annotated

import typer

from tierbot.cli import (
    articles,
    backtest,
    boundaries,
    db,
    demo,
    doctor,
    explain,
    export,
    feeds,
    import_,
    init,
    models,
    people,
    report,
    run,
    serve,
    settle,
    simulate,
    status,
    tags,
    trainers,
)

app = typer.Typer(
    name="tierbot",
    help="Your team reacts 🍕; the classifier learns.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tierbot {metadata.version('tierbot')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for module in (
    demo,
    init,
    run,
    serve,
    status,
    db,
    doctor,
    articles,
    feeds,
    boundaries,
    explain,
    models,
    people,
    trainers,
    tags,
    export,
    report,
    import_,
    backtest,
    simulate,
    settle,
):
    module.register(app)
