"""The tag space: the topics and their emoji."""

from tierbot.domain.tags.emoji import base_name, character_of, names_of
from tierbot.domain.tags.files import default_tag_space, load_tag_space, parse_tag_space, tag_space
from tierbot.domain.tags.space import TagSpace

__all__ = [
    "TagSpace",
    "base_name",
    "character_of",
    "default_tag_space",
    "load_tag_space",
    "names_of",
    "parse_tag_space",
    "tag_space",
]
