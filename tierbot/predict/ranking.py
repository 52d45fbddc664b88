"""A classifier's answer as people and scripts read it: each text's tags, most probable first."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain import Article
from tierbot.predict.model import Model
from tierbot.tags import TagSpace


def ranked_tags(
    articles: Sequence[Article], embeddings: NDArray[np.float32], model: Model, tags: TagSpace
) -> list[list[dict[str, Any]]]:
    """Return for each of n articles (embeddings: (n, d)) all active tags: {id, name, emoji, probability}."""
    active = tags.active
    return [
        [
            {
                "id": active[i].id,
                "name": active[i].name,
                "emoji": active[i].character,
                "probability": round(float(row[i]), 6),
            }
            for i in np.argsort(-row, kind="stable")
        ]
        for row in model.predict(articles, embeddings, tags.ids)
    ]
