"""Maps an archive's labels to our tags, and reports the mapping so it can be checked before anything is written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby, islice

from tierbot.domain.articles.annotated import agreed
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.label_values import PATH
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import Article, GivenLabel, TierbotError
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.assign import label_id

_MOST_NAMES = 1000  # distinct labels that are tracked one by one
_EXAMPLES = 3
_MOST_ANNOTATIONS = 1000  # of one article
_MOST_STEPS = 20  # of a label in a taxonomy


@dataclass(slots=True)
class LabelReport:
    """How an archive's labels were mapped; complete once all its rows have been read."""

    labeled: int = 0
    unlabeled: int = 0  # rows without any label
    unknown_only: int = 0  # rows whose labels are all unknown
    further: int = 0  # rows with another annotator's labels of the article before them
    tags: Counter[str] = field(default_factory=Counter)
    matched: dict[str, str] = field(default_factory=dict)  # an archive's label → our tag
    unknown: Counter[str] = field(default_factory=Counter)  # labels that match no tag
    examples: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # (title, tags) of the first rows


class LabelMatcher:
    """Matches an archive's labels to tags by id, name or emoji, regardless of case and punctuation."""

    def __init__(self, tags: TagSpace, renamed: Mapping[str, str], names: Mapping[str, str] | None = None) -> None:
        """Match labels in `renamed` to its tag ids first; TierbotError if it has an unknown tag.

        names: the names of labels that are numbers.
        """
        wrong = sorted(tag for tag in renamed.values() if tag not in tags)
        if wrong:
            raise TierbotError(f"Unknown tag {wrong[0]!r}. Run `tierbot tags list` to see them.")
        self._tags, self._names = tags, names or {}
        self._known = {label_id(name): tag.id for tag in tags for name in (tag.name, tag.id)}
        self._known |= {label_id(label): tag for label, tag in renamed.items()}

    def tag_of(self, label: str) -> str | None:
        """Return the id of the tag that a label matches, or None.

        A number also matches by its name, and a label in a taxonomy by its last step that matches.
        """
        names = (label, name) if (name := self._names.get(label)) else (label,)
        steps = [step for one in names for step in (one, *reversed(one.split(PATH)[:_MOST_STEPS]))]
        return next((tag for step in dict.fromkeys(steps) if (tag := self._exactly(step))), None)

    def _exactly(self, label: str) -> str | None:
        by_emoji = self._tags.by_emoji(label.strip(":"))
        by_character = next((tag.id for tag in self._tags.active if tag.character == label), None)
        return self._known.get(label_id(label)) or by_character or (by_emoji.id if by_emoji else None)


def labeled_articles(
    rows: Iterable[ArchiveRow], matcher: LabelMatcher, *, source: str, now: datetime, report: LabelReport
) -> Iterator[tuple[Article, GivenLabel]]:
    """Yield the rows with a known label as articles and labels; count all rows in `report`."""
    for row, annotations in _merged(rows):
        report.further += annotations - 1
        whole = {row.label: matcher.tag_of(row.label)} if row.label else {}
        found = {label: _matched(label, matcher, report) for label in (whole if any(whole.values()) else row.tags)}
        tags = dict.fromkeys((tag for tag in found.values() if tag), 1.0)
        if not tags:
            report.unknown_only += bool(found)
            report.unlabeled += not found
            continue
        article = to_article(row, now)
        report.labeled += 1
        report.tags.update(tags.keys())
        if len(report.examples) < _EXAMPLES:
            report.examples.append((article.title, tuple(tags)))
        yield article, GivenLabel(article.id, tags, source, now)


def _merged(rows: Iterable[ArchiveRow]) -> Iterator[tuple[ArchiveRow, int]]:
    """Yield rows, each with its number of annotations: consecutive rows with the same task are merged into one."""
    for task, group in groupby(rows, lambda row: row.task or None):
        if task is None:
            yield from ((row, 1) for row in group)
            continue
        rest = iter(group)
        annotations = list(islice(rest, _MOST_ANNOTATIONS))
        count = len(annotations) + sum(1 for _ in rest)
        yield replace(annotations[0], tags=tuple(agreed([one.tags for one in annotations]))), count


def _matched(label: str, matcher: LabelMatcher, report: LabelReport) -> str | None:
    if label in report.matched:
        return report.matched[label]
    tag = matcher.tag_of(label)
    if tag is not None and len(report.matched) < _MOST_NAMES:
        report.matched[label] = tag
    elif tag is None and (label in report.unknown or len(report.unknown) < _MOST_NAMES):
        report.unknown[label] += 1
    return tag
