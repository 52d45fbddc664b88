"""`tierbot retrain` and `tierbot models`: make a model, look at models, put one in or out of service."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import counted, err, out, print_json, print_table
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import ModelVersion, TierbotError

BY = "command line"  # who did it, in the audit trail

group = typer.Typer(help="Model versions: which there are, which is in service.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("retrain")(retrain)
    app.add_typer(group, name="models")


def retrain(as_json: Annotated[bool, typer.Option("--json", help="The outcome as one JSON object.")] = False) -> None:
    """Train a challenger on all verdicts now, and promote it unless it is judged worse.

    Example: `tierbot retrain`
    """
    bot, workspace = offline()
    err.print("Training …")
    training = bot.loop.retrain(workspace)
    if training is None:
        raise TierbotError(
            "There is nothing to learn: no post has settled yet, or nothing since the last time, or the predictor in "
            "service never changes. Wait for more reactions."
        )
    if as_json:
        print_json(training.announcement())
    else:
        out.print(f"{training.version.id} {training.reason} ({counted(training.rows, 'verdict')} learned from).")


@group.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List all model versions, newest first, and predictors of your own that are installed and were never promoted.

    Example: `tierbot models list`
    """
    bot, workspace = offline()
    versions = bot.game.models(workspace)
    known = {version.card.get("predictor") for version in versions}
    waiting = [name for name in bot.registry.external_predictors.names() if name not in known]
    if as_json:
        for version in versions:
            print_json(asdict(version))
        for name in waiting:
            print_json({"id": name, "state": "installed"})
        return
    print_table(
        ("model", "state", "parent", "made", "verdicts"),
        [
            (
                version.id,
                version.state,
                version.parent or "–",
                f"{version.created_at:%Y-%m-%d %H:%M}",
                (version.card.get("data") or {}).get("verdicts", "–"),
            )
            for version in versions
        ]
        + [(name, "installed", "–", "–", "–") for name in waiting],
    )


@group.command("show")
def show(model: Annotated[str, typer.Argument(help="A model's id, such as m0003.")]) -> None:
    """Print a model's card as JSON: parent, data, what was measured.

    Example: `tierbot models show m0003`
    """
    bot, workspace = offline()
    found = next((version for version in bot.game.models(workspace) if version.id == model), None)
    if found is None:
        raise TierbotError(f"There is no model {model!r}. `tierbot models list` shows those there are.")
    out.print_json(json.dumps(asdict(found), default=str))


@group.command("promote")
def promote(
    model: Annotated[str, typer.Argument(help="A model's id, such as m0003, or an installed predictor's name.")],
) -> None:
    """Put a version in service, whatever its judge said.

    Example: `tierbot models promote m0003`
    """
    bot, workspace = offline()
    _in_service(bot.registry.promote(workspace, model, BY))


@group.command("rollback")
def rollback() -> None:
    """Put the champion's parent back in service.

    Example: `tierbot models rollback`
    """
    bot, workspace = offline()
    _in_service(bot.game.rollback(workspace, BY))


def _in_service(version: ModelVersion) -> None:
    out.print(f"{version.id} is in service now.")


@group.command("build")
def build(
    archives: Annotated[list[Path], typer.Argument(help="Labelled archives, JSONL or CSV, gzipped or not.")],
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file: an archive's categories → tags. [HuffPost's]")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("models"),
) -> None:
    """Make the bootstrap model that ships: from labeled archives, and from descriptions where there is no data.

    Example: `tierbot models build huffpost.jsonl.gz huffpost-undated.jsonl.gz --out models`
    """
    from tierbot.adapters.encoders import encoder_of
    from tierbot.app.bootstrap import SystemClock
    from tierbot.cli.building import build_bootstrap
    from tierbot.settings import load_settings

    encoder = encoder_of(load_settings().encoder, threads=None)
    with err.status("TfIdfWeights …") as shown:
        card = build_bootstrap(archives, mapping, folder, encoder, SystemClock().now(), shown.update)
    out.print_json(json.dumps(card, default=str))
