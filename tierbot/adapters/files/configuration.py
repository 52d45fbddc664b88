"""Reads the files that people write: tag spaces, feeds, boundaries. Errors name the file, the fault and a remedy."""

from pathlib import Path

from tierbot.domain.articles.boundaries import Boundaries, BoundaryFileError, parse_boundaries
from tierbot.domain.articles.feeds import Feed, FeedFileError, parse_feeds
from tierbot.domain.nouns import TierbotError
from tierbot.domain.tags import TagFileError, TagSpace, default_tag_space, parse_tag_space


def tag_space(file: Path | None) -> TagSpace:
    """Return the tag space of a TOML file, or the default one. Raises TagFileError if the file is unusable."""
    return parse_tag_space(_read_text(file, TagFileError), str(file)) if file else default_tag_space()


def load_boundaries(path: Path | None, tags: TagSpace) -> Boundaries:
    """Read boundaries from a TOML file, none without a path. Raises BoundaryFileError if the file is unusable."""
    return Boundaries() if path is None else parse_boundaries(_read_text(path, BoundaryFileError), str(path), tags)


def load_feeds(path: Path | None) -> tuple[Feed, ...]:
    """Read a list of feeds from a file, empty without a path. Raises FeedFileError if it is unreadable or invalid."""
    return () if path is None else parse_feeds(_read_text(path, FeedFileError), str(path))


def _read_text(path: Path, error: type[TierbotError]) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise error(f"{path}: cannot be read ({fault.strerror}). Give the path of a text file.") from fault
    except UnicodeDecodeError as fault:
        raise error(f"{path}: is not UTF-8 text. Save it as UTF-8.") from fault
