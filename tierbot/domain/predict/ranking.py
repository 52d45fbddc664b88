"""Formats a classifier's output for people and scripts: each text's tags, most probable first."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Tag


def ranked_tags(probabilities: NDArray[np.float64], active: Sequence[Tag]) -> list[list[dict[str, Any]]]:
    """Return, for each row of probabilities, (n, T), all tags as {id, name, emoji, probability}."""
    known = [{"id": tag.id, "name": tag.name, "emoji": tag.character} for tag in active]
    return [
        [{**known[i], "probability": round(float(row[i]), 6)} for i in np.argsort(-row, kind="stable")]
        for row in probabilities
    ]
