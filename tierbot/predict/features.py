"""What the classifier reads of a text: its sentence embedding beside its hashed words.

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
HASHING = f"murmur3/{WORD_COLUMNS}/words-1-2/site/v1"
"""Names the hashing scheme; stored with features, since features of different schemes must not meet."""

_MOST_WORDS = 1000  # of one text: a 20,000-word text is known by its beginning, as the encoder knows it
_MOST_CHARACTERS = 20_000
_WORD = re.compile(r"\w+(?:[+#]+|(?=\W|$))")


@dataclass(frozen=True, slots=True)
class Features:
    """Features of n texts.

    embeddings: (n, d) float32, unit length. words: (n, WORD_COLUMNS) CSR float32 of 0 and 1, which hashed
    words and pairs of words occur.
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
    """Return the features of n texts: their embeddings (n, d) and their hashed words.

    `urls`, one a text, add each address's site as one more word: where a story stands says much of it.
    """
    return Features(np.ascontiguousarray(embeddings, dtype=np.float32), hashed_words(texts, urls))


def hashed_words(texts: Sequence[str], urls: Sequence[str] | None = None) -> sparse.csr_array:
    """Return which hashed words, pairs of neighbours and sites occur in each text, (n, WORD_COLUMNS)."""
    from sklearn.feature_extraction import FeatureHasher  # noqa: PLC0415 - a slow import, needed from here on only

    if not texts:
        return sparse.csr_array(np.zeros((0, WORD_COLUMNS), dtype=np.float32))
    sites = urls if urls is not None else [""] * len(texts)
    hasher = FeatureHasher(WORD_COLUMNS, input_type="string", alternate_sign=False, dtype=np.float32)
    words = sparse.csr_array(hasher.transform(tokens(text, url) for text, url in zip(texts, sites, strict=True)))
    words.sum_duplicates()
    words.data[:] = 1.0  # presence: in short texts the count says no more
    return words


def tokens(text: str, url: str = "") -> Iterator[str]:
    """Yield a text's lower-case words, pairs of neighbouring words, and the site of its address.

    >>> list(tokens("C++ is fun", "https://www.example.org/a"))
    ['c++', 'is', 'fun', 'c++ is', 'is fun', 'site:example.org']
    """
    words = _WORD.findall(text[:_MOST_CHARACTERS].lower())[:_MOST_WORDS]
    yield from words
    yield from (f"{first} {second}" for first, second in pairwise(words))
    if name := site(url):
        yield f"site:{name}"


def site(url: str) -> str:
    """Return the host of an http address without "www.", "" if there is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # such as an unclosed bracket
        return ""
    return host.removeprefix("www.")
