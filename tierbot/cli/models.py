"""`tierbot retrain` and `tierbot models`: train, list, promote and roll back models."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import AsJson, JsonLines, counted, err, out, print_json, print_table, tell
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import TierbotError

BY = "command line"  # the actor in the audit trail

group = typer.Typer(help="Model versions, and which one is in service.", no_args_is_help=True)


def retrain(as_json: AsJson = False) -> None:
    """Train a challenger on all verdicts now, and promote it unless it is worse than the champion.

    Example: `tierbot retrain`
    """
    from tierbot.domain.training.promotion import headline, statistics

    bot, workspace = offline()
    err.print("Training …")
    training = bot.loop.retrain(workspace)
    if training is None:
        raise TierbotError(
            "There's nothing to learn: no new post has settled since the last training, or an external predictor that "
            "can't be trained is in service. Wait for more reactions."
        )
    if as_json:
        print_json(training.announcement())
    else:
        comparison = asdict(training.decision)
        out.print(headline(training.version.number, comparison, training.in_service.number))
        out.print(f"{training.version.id}, trained on {counted(training.rows, 'verdict')}. {statistics(comparison)}")


@group.command("list")
def list_models(as_json: JsonLines = False) -> None:
    """List all model versions, newest first, and installed external predictors that were never promoted.

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
        ("model", "state", "parent", "created", "verdicts"),
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
    """Print a model's card as JSON: parent, data, metrics.

    Example: `tierbot models show m0003`
    """
    bot, workspace = offline()
    found = next((version for version in bot.game.models(workspace) if version.id == model), None)
    if found is None:
        raise TierbotError(f"There is no model {model!r}. `tierbot models list` shows the models.")
    print_json(asdict(found), indent=2)


@group.command("promote")
def promote(
    model: Annotated[str, typer.Argument(help="A model's id, such as m0003, or an installed predictor's name.")],
    as_json: AsJson = False,
) -> None:
    """Put a model in service, whatever its evaluation said.

    Example: `tierbot models promote m0003`
    """
    bot, workspace = offline()
    version = bot.registry.promote(workspace, model, BY).id
    tell(f"{version} is now in service.", {"in_service": version}, as_json=as_json)


@group.command("rollback")
def rollback(as_json: AsJson = False) -> None:
    """Put the champion's parent back in service.

    Example: `tierbot models rollback`
    """
    bot, workspace = offline()
    version = bot.game.roll_back(workspace, BY).id
    tell(f"{version} is now in service.", {"in_service": version}, as_json=as_json)


@group.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", help="Folder to write to.")],
    mlflow: Annotated[str, typer.Option(help="MLflow tracking address to log the model and its metrics to.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write the champion as a folder that others load without tierbot: ONNX, a Hugging Face model card, MLflow.

    With --mlflow, also log it as a run, with the accuracy of each round. Nothing in the folder is pickled.

    Example: `tierbot models export --to champion --mlflow sqlite:///mlflow.db`
    """
    from tierbot.adapters.store import NoDatabaseError
    from tierbot.app.api import load
    from tierbot.app.exported_model import log_to_mlflow, metrics_by_round, write_champion

    champion, rounds = load(), []
    with suppress(NoDatabaseError):  # then it is the built-in model
        bot, workspace = offline()
        with bot.store.read(workspace) as tx:
            rounds = metrics_by_round(list(tx.verdicts.settled()))
    with err.status("Exporting …"):
        write_champion(to, champion, rounds)
        run = log_to_mlflow(mlflow, to, champion.version, rounds) if mlflow else None
    if as_json:
        print_json({"folder": str(to), "model": champion.version, "tags": len(champion.tags), "run": run})
        return
    logged = f" Logged as run {run}." if run else ""
    out.print(f"{to}: {champion.version}, {counted(len(champion.tags), 'tag')}.{logged}")


@group.command("build")
def build(
    archives: Annotated[list[Path], typer.Argument(help="Labeled archives, JSONL or CSV; may be gzipped.")],
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that maps categories to tags. [default: HuffPost's]")
    ] = None,
    folder: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("models"),
) -> None:
    """Train the bootstrap model that ships with tierbot, on labeled archives; tags without data get their descriptions.

    Example: `tierbot models build huffpost.jsonl.gz huffpost-undated.jsonl.gz --out models`
    """
    from tierbot.adapters.encoders import encoder_of
    from tierbot.app.bot import SystemClock
    from tierbot.cli.building import build_bootstrap
    from tierbot.settings import load_settings

    encoder = encoder_of(load_settings().encoder, threads=None)
    with err.status("Reading …") as shown:
        card = build_bootstrap(archives, mapping, folder, encoder, SystemClock().now(), shown.update)
    print_json(card, indent=2)
