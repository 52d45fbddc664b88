"""The tag space: tags in order, by id or emoji. Tags are never deleted: stored predictions refer to them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from tierbot.domain.nouns import Tag
from tierbot.domain.tags.emoji import base_name


class TagSpace:
    """All tags of a workspace, including retired ones, and its own aliases of emoji. Immutable."""

    def __init__(self, tags: Iterable[Tag], aliases: Mapping[str, str] = MappingProxyType({})) -> None:
        """`aliases`: the workspace's own names for other emoji (`za` → `pizza`); one may stand for another."""
        self._aliases = aliases
        self._by_id: Mapping[str, Tag] = {tag.id: tag for tag in tags}

    @cached_property
    def _by_emoji(self) -> Mapping[str, Tag]:
        # Not right away: the names of all emoji take a tenth of a second to read, and most commands don't need them.
        # A retired tag's emoji may have been reused: the active tag wins.
        ordered = sorted(self._by_id.values(), key=lambda tag: tag.retired_at is None)
        return {base_name(tag.short_name): tag for tag in ordered}

    @property
    def active(self) -> tuple[Tag, ...]:
        """The tags that can be shown and predicted, in file order."""
        return tuple(tag for tag in self._by_id.values() if tag.retired_at is None)

    @property
    def ids(self) -> tuple[str, ...]:
        """The active tags' ids, in order."""
        return tuple(tag.id for tag in self.active)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, tag_id: object) -> bool:
        return tag_id in self._by_id

    def __getitem__(self, tag_id: str) -> Tag:
        return self._by_id[tag_id]

    def by_emoji(self, raw_name: str) -> Tag | None:
        """Return the tag, active or retired, for a raw reaction name; tones and aliases are folded."""
        return self._by_emoji.get(self.base_name(raw_name))

    def base_name(self, raw_name: str) -> str:
        """Fold a raw reaction name as `emoji.base_name` does, and the workspace's own aliases, too."""
        name = base_name(raw_name)
        for _ in self._aliases:  # at most once each: Slack allows no cycles, but we don't rely on it
            if name not in self._aliases:
                break
            name = base_name(self._aliases[name])
        return name

    def updated(self, tags: Iterable[Tag], now: datetime) -> "TagSpace":
        """Return this space with new tags added, known ones renamed, missing ones retired and returning ones revived."""
        active = {tag.id: replace(tag, retired_at=None) for tag in tags}
        retired = {tag.id: tag if tag.retired_at else replace(tag, retired_at=now) for tag in self}
        return TagSpace({**retired, **active}.values(), self._aliases)
