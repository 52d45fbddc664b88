"""The tag space: the topics and their emoji."""

from tierbot.domain.tags.emoji import base_name, character_of, names_of
from tierbot.domain.tags.files import TagFileError, default_tag_space, parse_tag_space
from tierbot.domain.tags.space import TagSpace

__all__ = ["TagFileError", "TagSpace", "base_name", "character_of", "default_tag_space", "names_of", "parse_tag_space"]
