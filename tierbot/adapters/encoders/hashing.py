"""An encoder without a model, for tests and small machines."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HASHING = "hashing"
"""Its name in TIERBOT_ENCODER."""

_MOST_CHARACTERS = 2560  # like the sentence encoder
_WORD = re.compile(r"\w+")


class HashingEncoder:
    """Hashes each word to a fixed random direction (ports.Encoder): almost free, but blind to meaning."""

    def __init__(self, dimension: int = 64) -> None:
        self._dimension = dimension

    @property
    def digest(self) -> str:
        """A sha256 of the method and the dimension."""
        return hashlib.sha256(f"hashing/2/{self._dimension}".encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """The embeddings' dimension d."""
        return self._dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit-length embeddings, (n, d) float32."""
        found = np.zeros((len(texts), self._dimension), np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text[:_MOST_CHARACTERS].lower()) or [""]:
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
                found[row] += np.random.Generator(np.random.PCG64(seed)).standard_normal(self._dimension)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
