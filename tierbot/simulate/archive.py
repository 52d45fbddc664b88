"""A labeled archive as the backtest replays it: in order of time, each story once, with its true tags."""

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
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # nothing reads it: the archive's order stands for time


class ArchiveTooSmallError(TierbotError):
    """An archive that cannot be replayed as asked."""


@dataclass(frozen=True, slots=True)
class LabeledArchive:
    """Articles in the order in which they came, with the tag ids that are true of each.

    folded: rows that told of an article which was there already. unlabeled: rows without a tag of the space.
    """

    tags: TagSpace
    articles: tuple[Article, ...]
    true_tags: tuple[tuple[str, ...], ...]
    folded: int = 0
    unlabeled: int = 0

    def __len__(self) -> int:
        return len(self.articles)


def labeled_archive(
    rows: Iterable[ArchiveRow], rng: np.random.Generator, tags: TagSpace | None = None
) -> LabeledArchive:
    """Put an archive's rows in order of date; rows without one come at random places in between.

    Rows of one identity (the same address, or the same words) count once, at the first. tags: the tag space
    that the labels belong to; None makes one of the archive's own labels and gives them emoji.
    Raises TierbotError if there are fewer than two tags.
    """
    given = list(rows)
    space = tags or assigned_tag_space(label for row in given for label in row.tags)
    own = _own_id(space)
    known: dict[str, tuple[Article, tuple[str, ...]]] = {}
    unlabeled = folded = 0
    for row in _in_order(given, rng):
        true = tuple(dict.fromkeys(tag for tag in map(own, row.tags) if tag is not None))
        if not true or not (row.title or row.text):
            unlabeled += 1
            continue
        article = to_article(row, row.published_at or _UNDATED)
        folded += article.id in known
        known.setdefault(article.id, (article, true))
    articles = tuple(article for article, _ in known.values())
    return LabeledArchive(space, articles, tuple(true for _, true in known.values()), folded, unlabeled)


def _own_id(space: TagSpace) -> Callable[[str], str | None]:
    def own(label: str) -> str | None:
        return next((tag_id for tag_id in (label, label_id(label)) if tag_id in space), None)

    return own


def _in_order(rows: Sequence[ArchiveRow], rng: np.random.Generator) -> list[ArchiveRow]:
    """Sort dated rows by date, and put undated ones at random places among them."""
    dated = sorted((i for i, row in enumerate(rows) if row.published_at), key=lambda i: (rows[i].published_at, i))
    undated = [i for i, row in enumerate(rows) if not row.published_at]
    places = np.concatenate([(np.arange(len(dated)) + 0.5) / max(1, len(dated)), rng.random(len(undated))])
    return [rows[(dated + undated)[i]] for i in np.argsort(places, kind="stable")]


class EncodedArchive:
    """An archive's features, computed when they are first asked for; embeddings are kept."""

    def __init__(self, archive: LabeledArchive, encoder: Encoder, progress: Progress) -> None:
        self.archive = archive
        self._encoder = encoder
        self._progress = progress
        self._embeddings: NDArray[np.float32] | None = None
        self._known = np.zeros(len(archive), dtype=bool)

    def embeddings(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the embeddings of the given rows, (n, d)."""
        index = np.asarray(rows, dtype=np.intp)
        missing = np.unique(index[~self._known[index]])
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            found = self._encoder.encode([self.archive.articles[row].content for row in part])
            if self._embeddings is None:
                self._embeddings = np.zeros((len(self.archive), found.shape[1]), np.float32)
            self._embeddings[part] = found
            self._known[part] = True
            self._progress(f"embedded {int(self._known.sum())} of {len(self.archive)} articles")
        if self._embeddings is None:
            return np.zeros((0, self._encoder.dimension), np.float32)
        return np.asarray(self._embeddings[index])

    def features(self, rows: Sequence[int]) -> Features:
        """Return the features of the given rows."""
        articles = [self.archive.articles[row] for row in rows]
        texts, urls = [article.content for article in articles], [article.url for article in articles]
        return features_of(texts, self.embeddings(rows), urls)


class RememberingEncoder:
    """An encoder that encodes no text twice (ports.Encoder): for many backtests over one archive."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def digest(self) -> str:
        """The encoder's own."""
        return self._encoder.digest

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, shape (len(texts), dimension)."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known |= dict(zip(missing, self._encoder.encode(missing), strict=True))
        found = [self._known[text] for text in texts]
        return np.stack(found) if found else np.zeros((0, self.dimension), np.float32)
