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
    from tierbot.reports.dictionary import Terms
    from tierbot.reports.export.format import ExportFormat, Written

_Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="Tables: jsonl, csv (flat), parquet, hf (a Hugging Face folder). Bandits: vw, obp. Votes, for crowd-kit: crowd. "
        "Annotation tools: label-studio, argilla, prodigy, doccano. Training: spacy, spacy-jsonl, trl-sft, trl-preference, openai.",
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File (for hf a folder); - for standard output. [default: tierbot.…]"),
]
_Rounds = Annotated[list[int] | None, typer.Option("--round", min=1, help="Only this round; may be repeated.")]
_Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="Only posts that show this tag or settled on it; may be repeated.")
]
_Arms = Annotated[list[Arm] | None, typer.Option("--arm", help="Only this arm; may be repeated.")]
_Confidence = Annotated[
    float, typer.Option("--min-confidence", min=0, max=1, help="Minimum probability that the model gave the shown tag.")
]
_Weight = Annotated[
    float, typer.Option("--min-weight", min=0, max=1, help="Minimum weight of the verdict (0.5: two voters).")
]
_Since = Annotated[int, typer.Option("--since", min=0, help="Only what settled after an earlier export's cursor.")]
_Identities = Annotated[bool, typer.Option("--identities", help="Slack user ids instead of pseudonyms.")]
_Dictionary = Annotated[bool, typer.Option("--dictionary", help="Print what the columns and formats mean, and exit.")]
_License = Annotated[
    str, typer.Option("--license", help="The data's license on the card of hf, such as cc-by-4.0.", metavar="ID")
]
_Languages = Annotated[
    list[str] | None,
    typer.Option("--language", help="The articles' language on the card of hf; may be repeated. [default: en]"),
]


def export(
    form: _Format = "jsonl",
    to: _Out = None,
    rounds: _Rounds = None,
    tags: _Tags = None,
    arms: _Arms = None,
    min_confidence: _Confidence = 0.0,
    min_weight: _Weight = 0.0,
    since: _Since = 0,
    identities: _Identities = False,
    license_: _License = "other",
    languages: _Languages = None,
    dictionary: _Dictionary = False,
    as_json: AsJson = False,
) -> None:
    """Write the dataset: one row per post, with context, action, propensity, p, π, reward, label and votes.

    A dataset card goes next to it. The command prints a cursor; next time, pass it to --since.

    Example: `tierbot export --format parquet --out tier.parquet --min-weight 0.5`
    """
    from tierbot.reports.dataset import Only
    from tierbot.reports.dictionary import Terms, data_dictionary
    from tierbot.reports.export import format_named

    if dictionary:
        typer.echo(data_dictionary(), nl=False)
        return
    chosen = format_named(form)
    place = to or Path("tierbot-dataset" if chosen.folder else f"tierbot{chosen.suffix}")
    if chosen.folder and str(place) == "-":
        raise TierbotError(f"The format {form} writes a folder. Name one with --out.")
    some_tags, some_arms = frozenset(tags) if tags else None, tuple(arms) if arms else None
    only = Only(tuple(rounds) if rounds else None, some_tags, some_arms, min_confidence, min_weight, since)
    bot, workspace = offline()
    terms = Terms(license_, languages or ("en",))
    _say(place, _write(bot, workspace, chosen, place, only, terms, identities=identities), as_json=as_json)


def _say(place: Path, written: "Written", *, as_json: bool) -> None:
    to_stdout = str(place) == "-"
    for note in written.notes:
        err.print(note)
    if as_json and not to_stdout:
        print_json({"file": str(place), "rows": written.rows, "votes": written.votes, "cursor": written.cursor})
        return
    (err if to_stdout else out).print(
        f"{place}: made from {counted(written.rows, 'row')} with {counted(written.votes, 'vote')}. "
        f"To export only newer rows next time: --since {written.cursor}"
    )


def _write(
    bot: "Tierbot",
    workspace: str,
    form: "ExportFormat",
    place: Path,
    only: "Only",
    terms: "Terms",
    *,
    identities: bool,
) -> "Written":
    from contextlib import ExitStack

    from tierbot.adapters.atomic import STDOUT, drafted
    from tierbot.reports.dataset import pseudonyms_of
    from tierbot.reports.export.columnar import HUB_DATA
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
        draft = stack.enter_context(drafted(place, replaceable=HUB_DATA, private=identities))
        dimension = bot.encoder.dimension if form.name == "obp" else 0
        digest = bot.encoder.digest
        written = write_dataset(
            tx, form, draft, only=only, name=names or str, encoder_digest=digest, dimension=dimension
        )
        described = draft / "README.md" if form.folder else card
        if described is not None:
            described.write_text(_card(bot, written, form, only, space, names, terms), encoding="utf-8")
    return written


def _card(
    bot: "Tierbot",
    written: "Written",
    form: "ExportFormat",
    only: "Only",
    tags: "TagSpace",
    names: "Pseudonyms | None",
    terms: "Terms",
) -> str:
    from importlib import metadata

    from tierbot.reports.dictionary import dataset_card

    about = {
        "created": f"{bot.clock.now():%Y-%m-%d %H:%M} UTC by tierbot {metadata.version('tierbot')}",
        "trainers": "Slack user ids" if names is None else "pseudonyms (keyed hash)",
    }
    return dataset_card(written, form, only, tags, about, terms)
