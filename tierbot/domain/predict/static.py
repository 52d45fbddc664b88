"""A static encoder: a text's embedding is the sum of one vector a token. No transformer runs.

What such an encoder is distilled from, and how, is told in training.distil; the idea is that of model2vec (Tulkens and
van Dongen, 2024), with the vectors fitted to articles' own embeddings.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_CHARACTERS_A_TOKEN = 8  # on average fewer: what is cut off here would not be read anyway


class StaticEncoder:
    """Embeddings from a table of token vectors. Safe to share among threads.

    tokenizer: a tokenizer of the `tokenizers` library, as JSON. vectors: (V, d), one a token. tokens: how many of a
    text's tokens are read.
    """

    def __init__(self, tokenizer: str, vectors: NDArray[np.floating[Any]], tokens: int = 128) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - needed from here on only

        self.tokenizer = tokenizer
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self.tokens = tokens
        self._tokenizer: Any = Tokenizer.from_str(tokenizer)
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.no_padding()

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return int(self.vectors.shape[1])

    def counts(self, texts: Sequence[str]) -> sparse.csr_array:
        """Return how often each token occurs in the beginning of each text, (n, V)."""
        read = [text[: _CHARACTERS_A_TOKEN * self.tokens] for text in texts]
        found = [one.ids for one in self._tokenizer.encode_batch(read, add_special_tokens=False)]
        starts = np.concatenate([[0], np.cumsum([len(ids) for ids in found], dtype=np.int64)])
        columns = np.fromiter((token for ids in found for token in ids), np.int64, int(starts[-1]))
        shape = (len(texts), len(self.vectors))
        return sparse.csr_array((np.ones(len(columns), np.float32), columns, starts), shape=shape)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d); of a text without known tokens it is 0."""
        return unit_length(self.counts(texts) @ self.vectors)


def unit_length(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return each row at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
