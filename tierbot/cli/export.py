"""`tierbot export`: the dataset, in your tools' format."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.output import AsJson, counted, err, out, print_json
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import Arm, TierbotError

if TYPE_CHECKING:
    from tierbot.app.bot import Tierbot
    from tierbot.domain.tags import TagSpace
    from tierbot.reports.dataset import Only, Pseudonyms
    from tierbot.reports.export.format import ExportFormat, Written


def export(
    form: Annotated[
        str, typer.Option("--format", "-f", help="jsonl, csv, parquet, hf, vw, obp, label-studio or crowd.")
    ] = "jsonl",
    to: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File (for hf a folder); - for standard output. [default: tierbot.…]"),
    ] = None,
    rounds: Annotated[
        list[int] | None, typer.Option("--round", min=1, help="Only this round; may be repeated.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Only posts that show this tag or settled on it; may be repeated.")
    ] = None,
    arms: Annotated[list[Arm] | None, typer.Option("--arm", help="Only this arm; may be repeated.")] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Minimum probability that the model gave the shown tag.")
    ] = 0.0,
    min_weight: Annotated[
        float, typer.Option(min=0, max=1, help="Minimum weight of the verdict (0.5: two voters).")
    ] = 0.0,
    since: Annotated[int, typer.Option(min=0, help="Only what settled after an earlier export's cursor.")] = 0,
    identities: Annotated[bool, typer.Option("--identities", help="Slack user ids instead of pseudonyms.")] = False,
    dictionary: Annotated[bool, typer.Option("--dictionary", help="Print what the columns mean, and exit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the dataset: one row per post, with context, action, propensity, p, π, reward, label and votes.

    A dataset card goes next to it. The command prints a cursor; next time, pass it to --since.

    Example: `tierbot export --format parquet --out tier.parquet --min-weight 0.5`
    """
    from tierbot.reports.dataset import Only
    from tierbot.reports.export import format_named

    if dictionary:
        from tierbot.reports.dictionary import data_dictionary

        typer.echo(data_dictionary(), nl=False)
        return
    chosen = format_named(form)
    place = to or Path("tierbot-dataset" if chosen.folder else f"tierbot{chosen.suffix}")
    if chosen.folder and str(place) == "-":
        raise TierbotError(f"The format {form} writes a folder. Name one with --out.")
    only = Only(
        rounds=tuple(rounds) if rounds else None,
        tags=frozenset(tags) if tags else None,
        arms=tuple(arms) if arms else None,
        min_confidence=min_confidence,
        min_weight=min_weight,
        since=since,
    )
    bot, workspace = offline()
    written = _write(bot, workspace, chosen, place, only, identities=identities)
    to_stdout = str(place) == "-"
    for note in written.notes:
        err.print(note)
    if as_json and not to_stdout:
        print_json({"file": str(place), "rows": written.rows, "votes": written.votes, "cursor": written.cursor})
        return
    (err if to_stdout else out).print(
        f"{place}: {counted(written.rows, 'row')}, {counted(written.votes, 'vote')}. "
        f"To export only newer rows next time: --since {written.cursor}"
    )


def _write(
    bot: "Tierbot", workspace: str, form: "ExportFormat", place: Path, only: "Only", *, identities: bool
) -> "Written":
    from contextlib import ExitStack

    from tierbot.adapters.atomic import STDOUT, drafted
    from tierbot.reports.dataset import pseudonyms_of
    from tierbot.reports.export.writing import write_dataset

    bot.loop.settle(workspace)
    names = None if identities else pseudonyms_of(bot.store, workspace)
    with ExitStack() as stack:
        tx = stack.enter_context(bot.store.read(workspace))
        space = tx.workspaces.tags()
        unknown = sorted(tag for tag in only.tags or () if tag not in space)
        if unknown:
            raise TierbotError(f"There is no tag {unknown[0]!r}. `tierbot tags list` shows the tags.")
        beside = None if form.folder or place == STDOUT else place.with_name(f"{place.name}.md")
        card = stack.enter_context(drafted(beside)) if beside else None
        draft = stack.enter_context(drafted(place, replaceable="dataset_info.json"))
        written = write_dataset(
            tx,
            form,
            draft,
            only=only,
            name=names or str,
            encoder_digest=bot.encoder.digest,
            dimension=bot.encoder.dimension if form.name == "obp" else 0,
        )
        described = draft / "README.md" if form.folder else card
        if described is not None:
            described.write_text(_card(bot, written, form, only, space, names), encoding="utf-8")
    return written


def _card(
    bot: "Tierbot", written: "Written", form: "ExportFormat", only: "Only", tags: "TagSpace", names: "Pseudonyms | None"
) -> str:
    from importlib import metadata

    from tierbot.reports.dictionary import dataset_card

    about = {
        "created": f"{bot.clock.now():%Y-%m-%d %H:%M} UTC by tierbot {metadata.version('tierbot')}",
        "trainers": "Slack user ids" if names is None else "pseudonyms (keyed hash)",
    }
    return dataset_card(written, form, only, tags, about)
