"""The legend: which emoji stands for which topic, the most used first."""

from collections import Counter

from tierbot.domain.nouns import Tag
from tierbot.domain.tags.search import search_tags
from tierbot.use_cases.ports import Store

_ROUNDS = 4  # recent rounds whose verdicts tell how often a tag is used


class Legend:
    """Lists the tags of any workspace."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, workspace: str, typed: str = "") -> list[Tag]:
        """Return the active tags that fit what was typed (see `search_tags`); of equal ones, the most used first."""
        with self._store.read(workspace) as tx:
            tags, current = tx.workspaces.tags().active, tx.rounds.current()
            last = current.number if current else 0
            settled = tx.verdicts.settled(rounds=range(max(1, last - _ROUNDS + 1), last + 1))
        uses = Counter(tag for item in settled for tag in item.verdict.tags)
        return search_tags(sorted(tags, key=lambda tag: -uses[tag.id]), typed)
