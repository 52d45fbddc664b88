"""Embeds stored articles once each, in small batches with a transaction per batch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Article
from tierbot.use_cases.ports import Encoder, Store

AT_ONCE = 256


def embed(
    store: Store, encoder: Encoder, workspace: str, articles: Sequence[Article]
) -> dict[str, NDArray[np.float32]]:
    """Compute and store the embeddings of these articles; return them by id, each of shape (encoder.dimension,)."""
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(articles), AT_ONCE):
        few = articles[start : start + AT_ONCE]
        vectors = encoder.encode([article.content for article in few])
        new = {article.id: vector for article, vector in zip(few, vectors, strict=True)}
        with store.begin(workspace) as tx:
            tx.articles.add_embeddings(encoder.digest, new)
        found |= new
    return found
