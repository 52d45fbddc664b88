"""The two public streams that the learning benchmarks replay, and their embeddings, computed once.

huffpost: 13,408 dated headlines with leads, 29 classes. lobsters: of the first 40,000 stories those with one of the
64 commonest topic tags, 38,001 rows. The folder is `../shared/data`, or TIERBOT_STREAMS.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tierbot.articles import ArchiveRow
from tierbot.edges.archives import read_archive
from tierbot.edges.encoder import encoder_of
from tierbot.ports import Encoder

DATA = Path(os.environ.get("TIERBOT_STREAMS", "../shared/data"))
STREAMS = ("huffpost", "lobsters")
_KEPT = Path("build/embeddings")
_LATER = datetime(2100, 1, 1, tzinfo=UTC)
_STORIES, _COMMONEST = 40_000, 64
_NO_TOPICS = frozenset(
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


def stream(name: str) -> list[ArchiveRow]:
    """Return a stream's rows in its order; of lobsters only what the benchmarks agreed on (see the module)."""
    rows = list(read_archive(DATA / f"{name}.jsonl.gz", now=_LATER, strict=False))
    if name != "lobsters":
        return rows
    stories = [replace(row, tags=tuple(tag for tag in row.tags if tag not in _NO_TOPICS)) for row in rows[:_STORIES]]
    counts = Counter(tag for row in stories for tag in row.tags)
    kept = {tag for tag, _ in counts.most_common(_COMMONEST)}
    stories = [replace(row, tags=tuple(tag for tag in row.tags if tag in kept)) for row in stories]
    return [row for row in stories if row.tags]


class KeepingEncoder:
    """An encoder that keeps what it encoded in a file (ports.Encoder), for benchmarks that are run again."""

    def __init__(self, name: str, encoder: Encoder | None = None, folder: Path = _KEPT) -> None:
        self._encoder = encoder or encoder_of("all-MiniLM-L6-v2")
        self._path = folder / f"{name}-{self._encoder.digest[:12]}.npz"
        self._known: dict[bytes, NDArray[np.float32]] = {}
        if self._path.exists():
            with np.load(self._path) as kept:
                self._known = dict(zip(map(bytes, kept["texts"]), kept["embeddings"], strict=True))

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
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if missing:
            self._known |= dict(zip(missing, self._encoder.encode(list(missing.values())), strict=True))
        return (
            np.stack([self._known[key] for key in keys]) if keys else np.zeros((0, self._encoder.dimension), np.float32)
        )

    def keep(self) -> None:
        """Write everything that was encoded so far."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        texts = np.frombuffer(b"".join(self._known), dtype=np.uint8).reshape(-1, 16)
        np.savez(self._path, texts=texts, embeddings=np.stack(list(self._known.values())))
