"""Computes the classifier's input, independent of any model: a text's embedding, hashed words and site."""

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
"""The id of the hashing scheme, stored with features: those of different schemes must not be mixed."""

MOST_WORDS = 1000  # from the start of a text, which is all that the encoder sees, too
MOST_CHARACTERS = 20_000
WORD = re.compile(r"\w+(?:[+#]+|(?=\W|$))")


@dataclass(frozen=True, slots=True)
class Features:
    """Features of n texts. Words are 0 or 1: which hashed words, word pairs and, in the last columns, sites occur."""

    embeddings: NDArray[np.float32]  # (n, d), unit length
    words: sparse.csr_array  # (n, COLUMNS)

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or self.embeddings.shape[0] != self.words.shape[0]:  # noqa: PLR2004
            raise ValueError(f"Embeddings {self.embeddings.shape} and words {self.words.shape} don't match.")

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
    """Concatenate the rows of one or more parts."""
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
    """Return which hashed words, word pairs and sites occur in each text, (n, COLUMNS)."""
    from sklearn.feature_extraction import FeatureHasher  # noqa: PLC0415 - slow to import, and needed only here

    if not texts:
        return sparse.csr_array(np.zeros((0, COLUMNS), dtype=np.float32))
    addresses = urls if urls is not None else [""] * len(texts)
    if len(addresses) != len(texts):
        raise ValueError(f"Got {len(addresses)} addresses for {len(texts)} texts.")

    def columns(count: int, tokens: Iterable[Iterable[str]]) -> sparse.csr_array:
        hasher = FeatureHasher(count, input_type="string", alternate_sign=False, dtype=np.float32)
        return sparse.csr_array(hasher.transform(tokens))

    words = columns(WORD_COLUMNS, (word_tokens(text) for text in texts))
    sites = columns(SITE_COLUMNS, (site_tokens(url) for url in addresses))
    both = sparse.csr_array(sparse.hstack([words, sites], format="csr"))
    both.sum_duplicates()
    both.data[:] = 1.0  # presence: in short texts, counts add nothing
    return both


def word_tokens(text: str) -> Iterator[str]:
    """Yield a text's lowercase words, then its pairs of adjacent words.

    >>> list(word_tokens("C++ is fun"))
    ['c++', 'is', 'fun', 'c++ is', 'is fun']
    """
    words = WORD.findall(text[:MOST_CHARACTERS].lower())[:MOST_WORDS]
    yield from words
    yield from (f"{first} {second}" for first, second in pairwise(words))


def site_tokens(url: str) -> Iterator[str]:
    """Yield a URL's host without "www.", and the host with the first part of the path, if present.

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
