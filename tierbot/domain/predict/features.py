"""What the classifier reads of an article: its sentence embedding beside its hashed words and its site.

Features depend on no model, so that they can be computed once, stored without the text and replayed in
training. Weighting (idf) and scaling belong to the classifier.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

WORD_COLUMNS = 1 << 18
SITE_COLUMNS = 1 << 16
COLUMNS = WORD_COLUMNS + SITE_COLUMNS
HASHING = f"murmur3/words-1-2/{WORD_COLUMNS}/site-path/{SITE_COLUMNS}"
"""Names the hashing scheme; stored with features, since features of different schemes must not meet."""

_MOST_WORDS = 1000  # of one text: a 20,000-word text is known by its beginning, as the encoder knows it
_MOST_CHARACTERS = 20_000
_WORD = re.compile(r"\w+(?:[+#]+|(?=\W|$))")


@dataclass(frozen=True, slots=True)
class Features:
    """Features of n texts.

    embeddings: (n, d) float32, unit length. words: (n, COLUMNS) CSR float32 of 0 and 1: first which hashed words
    and pairs of neighbouring words occur, then from which site the text comes.
    """

    embeddings: NDArray[np.float32]
    words: sparse.csr_array

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or self.embeddings.shape[0] != self.words.shape[0]:  # noqa: PLR2004
            raise ValueError(f"{self.embeddings.shape} embeddings do not go with {self.words.shape} words.")

    def __len__(self) -> int:
        return int(self.embeddings.shape[0])

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return int(self.embeddings.shape[1])

    def take(self, rows: NDArray[np.intp] | Sequence[int]) -> "Features":
        """Return the features of the given rows, in that order."""
        index = np.asarray(rows, dtype=np.intp)
        return Features(self.embeddings[index], sparse.csr_array(self.words[index]))


def joined(parts: Iterable[Features]) -> Features:
    """Return the rows of all parts one after the other; at least one part is needed."""
    found = list(parts)
    if not found:
        raise ValueError("No features to join.")
    return Features(
        np.concatenate([part.embeddings for part in found]),
        sparse.csr_array(sparse.vstack([part.words for part in found], format="csr")),
    )


def features_of(texts: Sequence[str], embeddings: NDArray[np.float32], urls: Sequence[str] | None = None) -> Features:
    """Return the features of n texts: their embeddings (n, d), their hashed words and, with `urls`, their sites."""
    return Features(np.ascontiguousarray(embeddings, dtype=np.float32), hashed(texts, urls))


def hashed(texts: Sequence[str], urls: Sequence[str] | None = None) -> sparse.csr_array:
    """Return which hashed words, pairs of neighbors and sites occur in each text, (n, COLUMNS)."""
    from sklearn.feature_extraction import FeatureHasher  # noqa: PLC0415 - a slow import, needed from here on only

    if not texts:
        return sparse.csr_array(np.zeros((0, COLUMNS), dtype=np.float32))
    addresses = urls if urls is not None else [""] * len(texts)
    if len(addresses) != len(texts):
        raise ValueError(f"{len(addresses)} addresses do not go with {len(texts)} texts.")

    def columns(count: int, tokens: Iterable[Iterable[str]]) -> sparse.csr_array:
        hasher = FeatureHasher(count, input_type="string", alternate_sign=False, dtype=np.float32)
        return sparse.csr_array(hasher.transform(tokens))

    words = columns(WORD_COLUMNS, (word_tokens(text) for text in texts))
    sites = columns(SITE_COLUMNS, (site_tokens(url) for url in addresses))
    both = sparse.csr_array(sparse.hstack([words, sites], format="csr"))
    both.sum_duplicates()
    both.data[:] = 1.0  # presence: in short texts the count says no more
    return both


def word_tokens(text: str) -> Iterator[str]:
    """Yield a text's lower-case words, then its pairs of neighbouring words.

    >>> list(word_tokens("C++ is fun"))
    ['c++', 'is', 'fun', 'c++ is', 'is fun']
    """
    words = _WORD.findall(text[:_MOST_CHARACTERS].lower())[:_MOST_WORDS]
    yield from words
    yield from (f"{first} {second}" for first, second in pairwise(words))


def site_tokens(url: str) -> Iterator[str]:
    """Yield an address's host without "www.", and the host with the first part of its path, if there are any.

    >>> list(site_tokens("https://www.example.org/sports/story-1"))
    ['example.org', 'example.org/sports']
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:  # such as an unclosed bracket
        return
    if host:
        yield host
        if section := parts.path.strip("/").split("/")[0]:
            yield f"{host}/{section}"
