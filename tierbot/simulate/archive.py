"""Prepares a labeled archive for replay: in chronological order, each story once, with its true tags."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import Article, TierbotError
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.assign import assigned_tag_space, label_id
from tierbot.use_cases.ports import Encoder

Progress = Callable[[str], None]
_BATCH = 512
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # a placeholder that nothing reads


class ArchiveTooSmallError(TierbotError):
    """An archive that is too small for the settings."""


@dataclass(frozen=True, slots=True)
class LabeledArchive:
    """Articles in chronological order, with the true tag ids of each."""

    tags: TagSpace
    articles: tuple[Article, ...]
    true_tags: tuple[tuple[str, ...], ...]
    folded: int = 0  # how many rows repeat an article
    unlabeled: int = 0  # how many rows have no tag of the space

    def __len__(self) -> int:
        return len(self.articles)


def labeled_archive(
    rows: Iterable[ArchiveRow], rng: np.random.Generator, tags: TagSpace | None = None
) -> LabeledArchive:
    """Sort an archive's rows by date, with undated rows at random positions.

    Rows with the same identity (URL, or words) are folded into the first. tags: the labels' tag space; by default, one
    is made from the labels. Raises TierbotError if there are fewer than two tags.
    """
    given = list(rows)
    space = tags or assigned_tag_space(label for row in given for label in row.tags)
    known: dict[str, tuple[Article, tuple[str, ...]]] = {}
    unlabeled = folded = 0
    for row in _in_order(given, rng):
        found = (next((tag for tag in (label, label_id(label)) if tag in space), None) for label in row.tags)
        true = tuple(dict.fromkeys(tag for tag in found if tag is not None))
        if not true or not (row.title or row.text):
            unlabeled += 1
            continue
        article = to_article(row, row.published_at or _UNDATED)
        folded += article.id in known
        known.setdefault(article.id, (article, true))
    articles = tuple(article for article, _ in known.values())
    return LabeledArchive(space, articles, tuple(true for _, true in known.values()), folded, unlabeled)


def _in_order(rows: Sequence[ArchiveRow], rng: np.random.Generator) -> list[ArchiveRow]:
    dated = sorted((i for i, row in enumerate(rows) if row.published_at), key=lambda i: (rows[i].published_at, i))
    undated = [i for i, row in enumerate(rows) if not row.published_at]
    places = np.concatenate([(np.arange(len(dated)) + 0.5) / max(1, len(dated)), rng.random(len(undated))])
    return [rows[(dated + undated)[i]] for i in np.argsort(places, kind="stable")]


class EncodedArchive:
    """An archive's features, computed on first use; embeddings are cached."""

    def __init__(self, archive: LabeledArchive, encoder: Encoder, progress: Progress) -> None:
        self.archive = archive
        self._encoder = encoder
        self._progress = progress
        self._embeddings = np.zeros((len(archive), encoder.dimension), np.float32)
        self._known = np.zeros(len(archive), dtype=bool)

    def embeddings(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the embeddings of the given rows, (n, d)."""
        index = np.asarray(rows, dtype=np.intp)
        missing = np.unique(index[~self._known[index]])
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            self._embeddings[part] = self._encoder.encode([self.archive.articles[row].content for row in part])
            self._known[part] = True
            self._progress(f"embedded {int(self._known.sum())} of {len(self.archive)} articles")
        return self._embeddings[index]

    def features(self, rows: Sequence[int]) -> Features:
        """Return the features of the given rows."""
        articles = [self.archive.articles[row] for row in rows]
        texts, urls = [article.content for article in articles], [article.url for article in articles]
        return features_of(texts, self.embeddings(rows), urls)
