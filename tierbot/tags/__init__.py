"""The tag space: which topics there are, and which emoji stands for which."""

from tierbot.tags.emoji import base_name, character_of, names_of
from tierbot.tags.files import default_tag_space, load_tag_space, parse_tag_space
from tierbot.tags.space import TagSpace

__all__ = [
    "TagSpace",
    "base_name",
    "character_of",
    "default_tag_space",
    "load_tag_space",
    "names_of",
    "parse_tag_space",
]
