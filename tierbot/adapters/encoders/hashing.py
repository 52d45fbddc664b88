"""An encoder without a model, for tests and for machines too small for a sentence encoder."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HASHING = "hashing"
"""What TIERBOT_ENCODER calls it."""

_MOST_CHARACTERS = 2560  # as the sentence encoder
_WORD = re.compile(r"\w+")


class HashingEncoder:
    """Embeddings without a model: each word hashed to a fixed random direction (ports.Encoder).

    Knows no meaning, costs nothing: for tests and for machines too small for a sentence encoder
    (TIERBOT_ENCODER=hashing). Texts that share words are near one another.
    """

    def __init__(self, dimension: int = 64) -> None:
        self._dimension = dimension

    @property
    def digest(self) -> str:
        """A sha256 of the scheme and the width."""
        return hashlib.sha256(f"hashing/2/{self._dimension}".encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """The embeddings' width d."""
        return self._dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d) float32."""
        found = np.zeros((len(texts), self._dimension), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text[:_MOST_CHARACTERS].lower()) or [""]:
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
                found[row] += np.random.Generator(np.random.PCG64(seed)).standard_normal(self._dimension)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
