"""The command line: every command, in the order of `tierbot --help`."""

import os
from importlib import metadata
from pathlib import Path
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
    outbox,
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

_ENV_FILE = "TIERBOT_ENV_FILE"  # settings.ENV_FILE; importing it here would make --help slow

app = typer.Typer(
    name="tierbot",
    help="Your team reacts 🍕; the classifier learns.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(print_it: bool) -> None:
    if print_it:
        typer.echo(f"tierbot {metadata.version('tierbot')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            envvar=_ENV_FILE,
            help="File with the settings, before or after the command. [default: .env]",
            show_default=False,
        ),
    ] = None,
) -> None:
    if env_file is not None:
        os.environ[_ENV_FILE] = str(env_file)  # for child processes, too


app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("manifest")(run.manifest)
app.command("web")(serve.web)
app.command("worker")(serve.worker)
app.command("status")(status.status)
app.add_typer(outbox.group, name="outbox")
app.add_typer(db.group, name="db")
app.command("doctor")(doctor.doctor)
app.command("add")(articles.add)
app.command("classify")(articles.classify)
app.command("embed")(articles.embed)
app.add_typer(feeds.group, name="feeds")
app.add_typer(boundaries.group, name="boundaries")
app.command("explain")(explain.explain)
app.command("retrain")(models.retrain)
app.add_typer(models.group, name="models")
app.command("forget")(people.forget)
app.command("export-person")(people.export_person)
app.command("audit")(people.audit)
app.command("trainers")(trainers.trainers)
app.command("doubts")(trainers.doubts)
app.add_typer(tags.group, name="tags")
app.command("export")(export.export)
app.command("report")(report.report)
app.command("import")(import_.import_)
app.command("backtest")(backtest.backtest)
app.add_typer(simulate.group, name="simulate")
app.command("settle")(settle.settle)
