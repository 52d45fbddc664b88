"""`tierbot boundaries`: what the boundaries held back, and whether a file of them can be used."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import out, print_json, print_table
from tierbot.cli.wiring import offline

_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 60

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="boundaries")


@group.callback()
def list_held_back(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a rule.")] = False,
) -> None:
    """List what the boundaries held back: how much by which rule, with the latest examples.

    Boundaries are sources, words and tags that are never posted, and tags that need a minimum confidence to be
    shown. No learning moves them. They stand in a TOML file that TIERBOT_BOUNDARIES names.

    Example: `tierbot boundaries`
    """
    if context.invoked_subcommand is not None:
        return
    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        counts = tx.held_back.counts(_EXAMPLES)
    if as_json:
        for one in counts:
            print_json({**asdict(one.held), "count": one.count, "latest": one.latest})
        return
    if not counts:
        named = bot.settings.boundaries
        none = f"{named} has held nothing back yet." if named else "No boundaries are set: TIERBOT_BOUNDARIES is empty."
        out.print(none)
        return
    print_table(
        ("held back by", "articles", "such as"),
        [(one.held, one.count, "\n".join(title[:_EXAMPLE_CHARACTERS] for title in one.latest)) for one in counts],
    )


@group.command("check")
def check(file: Annotated[Path, typer.Argument(help="A TOML file of boundaries.")]) -> None:
    """Say whether a file of boundaries can be used, or what is wrong with it and where.

    Example: `tierbot boundaries check boundaries.toml`
    """
    from tierbot.domain.articles.boundaries import load_boundaries
    from tierbot.domain.tags import tag_space
    from tierbot.settings import load_settings

    found = load_boundaries(file, tag_space(load_settings().tags))
    counted = [
        f"{len(rules)} {name}"
        for name, rules in (
            ("sources", found.sources),
            ("words", found.words),
            ("tags", found.tags),
            ("minimum confidences", found.minimum_confidence),
        )
    ]
    out.print(f"{file}: {', '.join(counted)}, all fine. Set TIERBOT_BOUNDARIES={file} to use them.")
