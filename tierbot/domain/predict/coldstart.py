"""Builds a classifier from the tags' names, descriptions and sample texts alone, before there are any verdicts.

A tag's direction is the mean embedding of its name, the topics in its description and its sample texts. A text's score grows with its
cosine to that direction, and with the description's words in it. Retraining shrinks toward these weights, so a tag
without data keeps them.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Tag
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import COLUMNS, hashed
from tierbot.domain.predict.neighbors import Neighbors
from tierbot.domain.predict.tfidf import TfIdfWeights

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

# Fitted to dated HuffPost stories with the default encoder (see training.bootstrap_model): a true tag scores
# about +1, a false one −1. The last three calibrate such scores.
COSINE_SLOPE = 4.0
LEVEL = -1.8
WORD_SCORE = 0.3  # what a word of the description adds to the score of a short text
SLOPE, OFFSET, SHARPNESS = 3.65, 0.1, 1.24

_SEPARATOR = re.compile(r"[,;]|\band\b|\bor\b")
_COMMON = frozenset(
    re.findall(r"\w+", "a an and at by for from in into it its of on or other that the their then this to with")
)


def phrases(tag: Tag) -> list[str]:
    """Return a tag's name and the topics in its description.

    >>> phrases(Tag("booze", "Booze", "beers", "🍻", "Beer, wine and bars"))
    ['Booze', 'Beer', 'wine', 'bars']
    """
    listed = (part.strip() for part in _SEPARATOR.split(tag.description))
    return [tag.name, *(part for part in listed if part)]


def coldstart(tags: Sequence[Tag], encode: Encode, examples: Mapping[str, Sequence[str]] | None = None) -> Classifier:
    """Build a classifier from the tags' descriptions; `encode` returns unit-length embeddings, (n, d).

    examples: sample texts by tag id.
    """
    samples = examples or {}
    listed = [[*phrases(tag), *samples.get(tag.id, ())] for tag in tags]
    vectors = encode([phrase for group in listed for phrase in group])
    ends = np.cumsum([len(group) for group in listed])
    means = np.stack([part.mean(axis=0) for part in np.split(vectors, ends[:-1])])
    directions = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    columns, words = _description_words(listed)
    count = len(tags)
    return Classifier(
        tag_ids=tuple(tag.id for tag in tags),
        dense=np.ascontiguousarray(COSINE_SLOPE * directions.T, dtype=np.float32),
        bias=np.full(count, LEVEL, np.float32),
        words=words,
        tfidf=TfIdfWeights(columns, np.ones(len(columns), np.float32)),
        neighbors=Neighbors.empty(directions.shape[1], count),
        adjustment=np.zeros(count, np.float32),
        slope=SLOPE,
        offset=OFFSET,
        sharpness=SHARPNESS,
        card={"kind": "coldstart", "tags": count},
    )


def _description_words(listed: Sequence[Sequence[str]]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the A hashed words of the descriptions and their weights, (A, T), divided among the tags that share one."""
    texts = [
        " ".join(word for word in re.findall(r"\w+", " ".join(group).lower()) if word not in _COMMON)
        for group in listed
    ]
    found = hashed(texts)
    columns = np.flatnonzero(np.bincount(found.indices, minlength=COLUMNS)).astype(np.int32)
    weights = found[:, columns].toarray().T.astype(np.float32)
    return columns, WORD_SCORE * weights / np.maximum(weights.sum(axis=1, keepdims=True), 1)
