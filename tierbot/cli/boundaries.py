"""`tierbot boundaries`: list what the boundaries held back, and check a file of them."""

from collections.abc import Sized
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import AsJson, JsonLines, out, print_json, print_table, tell
from tierbot.cli.wiring import offline

_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 60

group = typer.Typer(invoke_without_command=True)


@group.callback()
def list_held_back(context: typer.Context, as_json: JsonLines = False) -> None:
    """List how many articles each boundary held back, with the latest examples.

    Boundaries block sources, words and tags, keep only stories that match a list, or require a minimum confidence for a
    tag; they may differ by feed. Learning never changes them. TIERBOT_BOUNDARIES names the TOML file that defines them.
    Articles that say too little to classify are listed, too (TIERBOT_ASK_UNCLEAR).

    Example: `tierbot boundaries`
    """
    if context.invoked_subcommand is not None:
        return
    bot, workspace = offline()
    with bot.store.read(workspace) as tx:
        bot.game.boundaries(tx.workspaces.tags())  # an unusable file is an error, though nothing reads it here
        counts = tx.held_back.counts(_EXAMPLES)
    if as_json:
        for one in counts:
            print_json({**asdict(one.held), "count": one.count, "latest": one.latest})
        return
    if not counts:
        file = bot.settings.boundaries
        out.print(
            f"{file} has held nothing back yet." if file else "No boundaries are set: TIERBOT_BOUNDARIES is empty."
        )
        return
    print_table(
        ("held back by", "articles", "such as"),
        [(one.held, one.count, "\n".join(title[:_EXAMPLE_CHARACTERS] for title in one.latest)) for one in counts],
    )


@group.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file of boundaries.")],
    as_json: AsJson = False,
) -> None:
    """Check a file of boundaries, and show where its first error is.

    Example: `tierbot boundaries check boundaries.toml`
    """
    from tierbot.adapters.files.configuration import load_boundaries, tag_space
    from tierbot.settings import load_settings

    found = load_boundaries(file, tag_space(load_settings().tags))
    parts: dict[str, Sized] = {
        "sources": found.sources,
        "words": found.words,
        "tags": found.tags,
        "minimum confidences": found.minimum_confidence,
        "wanted": [rule for rules in found.only.lists for rule in rules],
        "feeds": found.feeds,
    }
    counts = {name: len(rules) for name, rules in parts.items()}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    text = f"{file}: {listed}, all fine. Set TIERBOT_BOUNDARIES={file} to use them."
    tell(text, {name.replace(" ", "_"): count for name, count in counts.items()}, as_json=as_json)
