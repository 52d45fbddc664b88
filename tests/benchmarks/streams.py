"""The three labeled streams that benchmarks run on, read as the bot reads articles, and their embeddings, kept on disk.

`huffpost` and `lobsters` are in order of time; `huffpost-undated` has no dates and is shuffled by seed. Of lobsters,
the first 40,000 stories: tags about the form of a story dropped, the 64 commonest of the rest.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.adapters.encoders.sentence import SentenceEncoder
from tierbot.adapters.files.archives import read_archive
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.nouns import Article
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.features import Features, features_of
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.assign import assigned_tag_space, label_id
from tierbot.use_cases.ports import Encoder

DATA = Path("../shared/data")
STREAMS = ("huffpost", "huffpost-undated", "lobsters")
WINDOW = 3000  # the last rows: what everything is measured on
_STORIES, _TAGS = 40_000, 64
_FORM = frozenset(
    [
        "pdf",
        "video",
        "ask",
        "show",
        "release",
        "announce",
        "meta",
        "slides",
        "audio",
        "person",
        "rant",
        "book",
        "historical",
        "event",
        "job",
        "interview",
        "satire",
        "transcript",
    ]
)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class StoredEncoder:
    """An encoder (ports.Encoder) that keeps what it encoded, in memory and, with a folder, on disk."""

    def __init__(self, encoder: Encoder, folder: Path | None = None, name: str = "texts") -> None:
        self._encoder = encoder
        self._file = None if folder is None else folder / f"{name}-{encoder.digest[:12]}.npz"
        self._place: dict[bytes, int] = {}
        self._vectors = np.zeros((0, encoder.dimension), np.float32)
        if self._file is not None and self._file.exists():
            with np.load(self._file) as stored:
                self._vectors = stored["vectors"]
                self._place = {bytes(key): place for place, key in enumerate(stored["keys"])}

    @property
    def digest(self) -> str:
        """The encoder's own."""
        return self._encoder.digest

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return self._encoder.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d)."""
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._place}
        if missing:
            found = self._encoder.encode(list(missing.values()))
            self._place |= {key: len(self._place) + row for row, key in enumerate(missing)}
            self._vectors = np.concatenate([self._vectors, found])
        return self._vectors[[self._place[key] for key in keys]]

    def keep(self) -> None:
        """Write what is known to disk, if there is a folder for it."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            keys = np.frombuffer(b"".join(self._place), np.uint8).reshape(-1, 16)
            np.savez(self._file, keys=keys, vectors=self._vectors)


@dataclass(frozen=True)
class Stream:
    """n stories with their features and true tags, (n, T) bool, and a classifier that knows the tags' names only."""

    name: str
    rows: tuple[ArchiveRow, ...]
    articles: tuple[Article, ...]
    tags: TagSpace
    true: NDArray[np.bool_]
    features: Features
    cold: Classifier
    encoder: StoredEncoder

    def __len__(self) -> int:
        return len(self.articles)

    def shuffled(self, seed: int) -> "Stream":
        """Return the stream in another order."""
        return self._take(np.random.default_rng(seed).permutation(len(self)))

    def last(self, count: int) -> "Stream":
        """Return the last rows only."""
        return self._take(np.arange(max(0, len(self) - count), len(self)))

    def _take(self, order: NDArray[np.intp]) -> "Stream":
        return replace(
            self,
            rows=tuple(self.rows[i] for i in order),
            articles=tuple(self.articles[i] for i in order),
            true=self.true[order],
            features=self.features.take(order),
        )


def load(name: str, data: Path = DATA, cache: Path | None = None, newest: int | None = None) -> Stream:
    """Read a stream, or its newest rows, and embed it, or take the embeddings from `cache`; 20,000 texts take two minutes."""
    rows = list(read_archive(data / f"{name}.jsonl.gz", now=_NOW, strict=False))
    if name == "lobsters":
        rows = without_forms(rows[:_STORIES])
    rows = rows[-newest:] if newest else rows
    space = assigned_tag_space(label for row in rows for label in row.tags)
    place = {tag: column for column, tag in enumerate(space.ids)}
    true = np.zeros((len(rows), len(place)), dtype=bool)
    for number, row in enumerate(rows):
        true[number, [place[_own(label, place)] for label in row.tags]] = True
    articles = tuple(to_article(row, row.published_at or _NOW) for row in rows)
    encoder = StoredEncoder(SentenceEncoder(), cache, name)
    embeddings = encoder.encode([article.content for article in articles])
    cold = coldstart(space.active, encoder.encode)
    encoder.keep()
    features = features_of([one.content for one in articles], embeddings, [one.url for one in articles])
    return Stream(name, tuple(rows), articles, space, true, features, cold, encoder)


def _own(label: str, place: dict[str, int]) -> str:
    return label if label in place else label_id(label)


def without_forms(rows: Sequence[ArchiveRow]) -> list[ArchiveRow]:
    """Return the rows with one of the 64 commonest topic tags, and those tags only."""
    count = Counter(tag for row in rows for tag in row.tags if tag not in _FORM)
    kept = {tag for tag, _ in count.most_common(_TAGS)}
    told = (replace(row, tags=tuple(tag for tag in row.tags if tag in kept)) for row in rows)
    return [row for row in told if row.tags]
