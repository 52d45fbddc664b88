"""Reads a tag space from TOML: every error names the file, the line and the fix."""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from tierbot.domain.nouns import Tag, TierbotError
from tierbot.domain.tags.emoji import RESERVED, base_name, character_of
from tierbot.domain.tags.space import TagSpace
from tierbot.domain.toml_text import parse_toml

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MOST_TAGS = 1000


class TagFileError(TierbotError):
    """An invalid tag file; the text names the file, the line and the fix."""


def default_tag_space() -> TagSpace:
    """Return the default tag space, which ships with tierbot (72 topics)."""
    text = resources.files("tierbot.domain.tags").joinpath("default.toml").read_text(encoding="utf-8")
    return parse_tag_space(text, "default.toml")


def parse_tag_space(text: str, name: str) -> TagSpace:
    """Read a tag space from TOML text; errors call the file `name`. Raises TagFileError if it is invalid."""
    rows = parse_toml(text, name, TagFileError).get("tag", [])
    if not isinstance(rows, list) or len(rows) < 2:  # noqa: PLR2004 - one topic leaves nothing to choose
        raise TagFileError(f"{name}:1: fewer than two tags. Write at least two [[tag]] tables.")
    if len(rows) > _MOST_TAGS:
        raise TagFileError(f"{name}: {len(rows)} tags. Use no more than {_MOST_TAGS}.")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[tag]]"]
    places = [f"{name}:{lines[i] if i < len(lines) else 1}" for i in range(len(rows))]
    tags = [_tag(row, place) for row, place in zip(rows, places, strict=True)]
    _refuse_clashes(tags, places)
    return TagSpace(tags)


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise TagFileError(f'{place}: the tag has no {field}. Add {field} = "…".')
    return value.strip()


def _texts(row: Mapping[str, Any], field: str, place: str) -> tuple[str, ...]:
    values = row.get(field, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TagFileError(f'{place}: {field} of {row["id"]} isn\'t a list of texts. Write {field} = ["…"].')
    return tuple(values)


def _tag(row: object, place: str) -> Tag:
    if not isinstance(row, dict):
        raise TagFileError(f"{place}: the tag isn't a table. Write each tag as a [[tag]] table.")
    tag_id = _text(row, "id", place)
    if not _ID.fullmatch(tag_id):
        raise TagFileError(f"{place}: id {tag_id!r} may only have lowercase letters, digits and hyphens. Rename it.")
    short_name = base_name(_text(row, "emoji", place))
    if short_name in RESERVED:
        raise TagFileError(
            f"{place}: {tag_id} uses :{short_name}:, which is reserved for right, wrong and unsure. Choose another emoji."
        )
    character = row.get("character") or character_of(short_name)
    if character is None:
        raise TagFileError(
            f"{place}: {tag_id} uses :{short_name}:, which isn't a standard Slack emoji. Check the spelling. For a "
            'custom emoji, add character = "…", which is shown outside Slack.'
        )
    return Tag(
        id=tag_id,
        name=_text(row, "name", place),
        short_name=short_name,
        character=str(character),
        description=_text(row, "description", place),
        siblings=_texts(row, "siblings", place),
        synonyms=_texts(row, "synonyms", place),
    )


def _refuse_clashes(tags: list[Tag], places: list[str]) -> None:
    ids: dict[str, str] = {}
    emoji: dict[str, str] = {}
    for tag, place in zip(tags, places, strict=True):
        if tag.id in ids:
            raise TagFileError(f"{place}: id {tag.id} is already used at {ids[tag.id]}. Rename one of them.")
        if tag.short_name in emoji:
            other = emoji[tag.short_name]
            raise TagFileError(
                f"{place}: {tag.id} and {other} ({ids[other]}) share the emoji :{tag.short_name}:. Change one of them."
            )
        ids[tag.id], emoji[tag.short_name] = place, tag.id
    for tag, place in zip(tags, places, strict=True):
        unknown = [sibling for sibling in tag.siblings if sibling not in ids or sibling == tag.id]
        if unknown:
            raise TagFileError(f"{place}: {tag.id} has the sibling {unknown[0]!r}, which isn't another tag. Remove it.")
