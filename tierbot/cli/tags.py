"""`tierbot tags`: list the tag space, or check a tag file of your own."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import AsJson, JsonLines, counted, print_json, print_table, tell

group = typer.Typer(help="The tag space: the topics and their emoji.", no_args_is_help=True)


@group.command("list")
def list_tags(as_json: JsonLines = False) -> None:
    """List the tags in use.

    Example: `tierbot tags list`
    """
    from tierbot.adapters.files.configuration import tag_space
    from tierbot.settings import load_settings

    space = tag_space(load_settings().tags)
    if as_json:
        for tag in space:
            print_json(asdict(tag))
        return
    print_table(
        ("", "id", "name", "emoji", "description"),
        [(t.character, t.id, t.name, f":{t.short_name}:", t.description) for t in space],
    )


@group.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file with [[tag]] tables.")],
    as_json: AsJson = False,
) -> None:
    """Check a tag file, and show where its first error is.

    Example: `tierbot tags check our-tags.toml`
    """
    from tierbot.adapters.files.configuration import tag_space

    space = tag_space(file)
    text = f"{file}: {counted(len(space), 'tag')}, all fine. Set TIERBOT_TAGS={file} to use them."
    tell(text, {"tags": len(space)}, as_json=as_json)
