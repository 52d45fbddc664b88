"""Weights the hashed words and sites of a text by tf-idf."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tierbot.domain.predict.features import COLUMNS, WORD_COLUMNS


@dataclass(frozen=True, slots=True)
class TfIdfWeights:
    """The A columns that a model knows, and their weights.

    columns: (A,) ascending; idf: (A,), the inverse document frequency of a word, or the share of texts from other sites
    (values above 1, from older models, count as 1). A text's words, weighted by idf, form a vector of length
    `word_scale`, of which the known words are kept. Unknown words add `unknown_idf` each to the vector's length, so a
    text of mostly unknown words gets small weights. A known site counts `site_scale` times that share: a site that all
    texts share is uninformative, but the tags' levels would depend on it until it moves to another domain.
    """

    columns: NDArray[np.int32]
    idf: NDArray[np.float32]
    unknown_idf: float = 1.0
    word_scale: float = 1.0
    site_scale: float = 0.5

    def numbers(self) -> dict[str, float]:
        """Return the parameters that aren't arrays, as JSON."""
        return {"unknown_idf": self.unknown_idf, "word_scale": self.word_scale, "site_scale": self.site_scale}

    def transform(self, words: sparse.csr_array) -> sparse.csr_array:
        """Return the weights of the known words and sites of n texts, (n, A)."""
        rows = words.shape[0]
        place = np.full(COLUMNS, -1, dtype=np.int32)
        place[self.columns] = np.arange(len(self.columns), dtype=np.int32)
        found = place[words.indices]
        known, is_word = found >= 0, words.indices < WORD_COLUMNS
        idf = np.full(len(found), self.unknown_idf, dtype=np.float32)
        idf[known] = self.idf[found[known]]
        row = np.repeat(np.arange(rows), np.diff(words.indptr))
        square = np.bincount(row[is_word], weights=idf[is_word].astype(np.float64) ** 2, minlength=rows)
        length = np.sqrt(np.maximum(square, 1e-12)).astype(np.float32)
        site = self.site_scale * np.minimum(idf, 1)
        data = np.where(is_word, self.word_scale * idf / length[row], site).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(known)])[words.indptr]
        return sparse.csr_array((data[known], found[known], starts), shape=(rows, len(self.columns)))

    def widened(self, columns: NDArray[np.int32]) -> "TfIdfWeights":
        """Return the same weights with more columns, which have the idf of unknown words."""
        both = np.union1d(self.columns, columns).astype(np.int32)
        idf = np.full(len(both), self.unknown_idf, dtype=np.float32)
        idf[np.searchsorted(both, self.columns)] = self.idf
        return TfIdfWeights(both, idf, **self.numbers())

    def translated(self, weights: NDArray[np.float32], other: "TfIdfWeights") -> NDArray[np.float32]:
        """Translate `other`'s coefficients, (A', T), to these columns, (A, T), at the same effect of each word."""
        found = np.zeros((len(self.columns), weights.shape[1]), np.float32)
        here = np.minimum(np.searchsorted(self.columns, other.columns), max(0, len(self.columns) - 1))
        if not len(self.columns) or not len(other.columns):
            return found
        same = np.flatnonzero(self.columns[here] == other.columns)
        scale = np.where(
            other.columns[same] < WORD_COLUMNS, other.word_scale / self.word_scale, other.site_scale / self.site_scale
        )
        found[here[same]] = weights[same] * scale[:, None].astype(np.float32)
        return found
