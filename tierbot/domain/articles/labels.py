"""Labels of archives as tags of ours: what was understood is said before anything is written. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import Article, GivenLabel, TierbotError
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.assign import label_id

_MOST_NAMES = 1000  # distinct unknown labels that are counted one by one
_EXAMPLES = 3


@dataclass(slots=True)
class Understood:
    """What reading a labelled archive came to; complete when the reading has ended."""

    labelled: int = 0
    unlabelled: int = 0  # rows without any label
    unknown_only: int = 0  # rows whose labels are all unknown
    tags: Counter[str] = field(default_factory=Counter)
    matched: dict[str, str] = field(default_factory=dict)  # an archive's label → our tag
    unknown: Counter[str] = field(default_factory=Counter)  # labels that are none of our tags
    examples: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # (title, tags) of the first rows


class Names:
    """Finds the tag that an archive's label means: by its id, name or emoji, whatever the case and punctuation."""

    def __init__(self, tags: TagSpace, renamed: Mapping[str, str]) -> None:
        """Know the tags; `renamed` maps labels to tag ids, and goes before all else.

        Raises TierbotError if it names a tag that there is none of.
        """
        wrong = sorted(tag for tag in renamed.values() if tag not in tags)
        if wrong:
            raise TierbotError(f"There is no tag {wrong[0]!r}. `tierbot tags list` shows those there are.")
        self._tags = tags
        self._known = {label_id(name): tag.id for tag in tags for name in (tag.name, tag.id)}
        self._known |= {label_id(label): tag for label, tag in renamed.items()}

    def tag_of(self, label: str) -> str | None:
        """Return the tag that a label means, None if none."""
        by_emoji = self._tags.by_emoji(label.strip(":"))
        by_character = next((tag.id for tag in self._tags.active if tag.character == label), None)
        return self._known.get(label_id(label)) or by_character or (by_emoji.id if by_emoji else None)


def labelled_articles(
    rows: Iterable[ArchiveRow], names: Names, *, source: str, now: datetime, understood: Understood
) -> Iterator[tuple[Article, GivenLabel]]:
    """Yield the rows that have a label of ours, as articles with their labels; count all in `understood`."""
    for row in rows:
        found = {label: _remembered(label, names, understood) for label in row.tags}
        tags = dict.fromkeys((tag for tag in found.values() if tag), 1.0)
        if not tags:
            understood.unknown_only += bool(found)
            understood.unlabelled += not found
            continue
        article = to_article(row, now)
        understood.labelled += 1
        understood.tags.update(tags.keys())
        if len(understood.examples) < _EXAMPLES:
            understood.examples.append((article.title, tuple(tags)))
        yield article, GivenLabel(article.id, tags, source, now)


def _remembered(label: str, names: Names, understood: Understood) -> str | None:
    if label in understood.matched:
        return understood.matched[label]
    tag = names.tag_of(label)
    if tag is not None and len(understood.matched) < _MOST_NAMES:
        understood.matched[label] = tag
    elif tag is None and (label in understood.unknown or len(understood.unknown) < _MOST_NAMES):
        understood.unknown[label] += 1
    return tag
