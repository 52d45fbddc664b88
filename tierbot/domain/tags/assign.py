"""Makes a tag space from an archive's labels, for demos and backtests: nobody has chosen emoji there yet."""

import re
from collections.abc import Iterable, Iterator

from tierbot.domain.nouns import Tag, TierbotError
from tierbot.domain.tags.emoji import RESERVED, character_of
from tierbot.domain.tags.files import default_tag_space
from tierbot.domain.tags.space import TagSpace

# Distinct emoji for labels that match no shipped tag, in the order of use.
_SPARE = [
    "apple", "balloon", "banana", "bear", "bell", "bird", "blossom", "bouquet", "broccoli", "bulb", "butterfly",
    "cactus", "candy", "carrot", "cherries", "chess_pawn", "compass", "cookie", "crab", "crystal_ball", "deer",
    "dolphin", "doughnut", "dragon", "drum", "duck", "eggplant", "feather", "fire", "flashlight", "fox_face", "frog",
    "gem", "ghost", "giraffe_face", "grapes", "guitar", "hammer", "hatching_chick", "hedgehog", "honeybee",
    "hourglass", "ice_cream", "jigsaw", "key", "kite", "koala", "lemon", "lizard", "magnet", "mango", "maple_leaf",
    "medal", "monkey_face", "mushroom", "mouse", "nut_and_bolt", "octopus", "owl", "palm_tree", "panda_face",
    "peach", "pear", "penguin", "pineapple", "popcorn", "pumpkin", "puzzle_piece", "rabbit", "rose", "sailboat",
    "scissors", "shell", "snail", "snowflake", "spider", "strawberry", "sun_with_face", "sushi", "taco", "tangerine",
    "teapot", "tiger", "tomato", "trophy", "trumpet", "tulip", "turtle", "umbrella", "unicorn_face", "violin",
    "watermelon", "whale", "wrench", "yarn",
]  # fmt: skip


def assigned_tag_space(labels: Iterable[str]) -> TagSpace:
    """Return a tag space with a tag for each distinct label, in order.

    A label that is or contains the id of a shipped tag gets that tag's emoji and description. The others get
    spare emoji, deterministically. Raises TierbotError for fewer than two labels or too many.
    """
    ids: dict[str, str] = {}
    for label in labels:
        ids.setdefault(label_id(label), label)
    if len(ids) < 2:  # noqa: PLR2004
        raise TierbotError(f"Prediction needs at least two distinct tags, but the archive has {len(ids)}.")
    shipped = default_tag_space().active
    chosen: dict[str, Tag] = {}
    for exact in (True, False):  # exact matches first: "food", not "food-drink", gets the pizza
        for tag_id in ids:
            words = {tag_id} if exact else set(tag_id.split("-"))
            free = (tag for tag in shipped if tag.id in words and tag not in chosen.values())
            if tag_id not in chosen and (match := next(free, None)):
                chosen[tag_id] = match
    used = {tag.short_name for tag in chosen.values()}
    standard = [name for name in _SPARE if character_of(name) and name not in RESERVED]
    spare = [name for name in (*standard, *(tag.short_name for tag in shipped)) if name not in used]
    if len(ids) - len(chosen) > len(spare):
        raise TierbotError(f"The archive has {len(ids)} tags, more than there are emoji. Give it its own tag file.")
    emoji = iter(spare)
    return TagSpace(_tag(tag_id, label, chosen.get(tag_id), emoji) for tag_id, label in ids.items())


def label_id(label: str) -> str:
    """Turn a label into a tag id.

    >>> label_id("FOOD & DRINK"), label_id("c++")
    ('food-drink', 'cplusplus')
    """
    spelled = label.lower().replace("+", "plus").replace("#", "sharp")
    return re.sub(r"[^a-z0-9]+", "-", spelled).strip("-")[:40] or "unnamed"


def _tag(tag_id: str, label: str, like: Tag | None, emoji: Iterator[str]) -> Tag:
    name = label.strip().capitalize() if label.isupper() else label.strip()
    if like is not None:
        return Tag(tag_id, name or tag_id, like.short_name, like.character, f"{name}, {like.description}")
    short_name = next(emoji)
    return Tag(tag_id, name or tag_id, short_name, character_of(short_name) or "", name or tag_id)
