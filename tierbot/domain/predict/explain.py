"""Explains a prediction: the words that mattered, and the nearest labeled stories.

Words are rated by occlusion (Zeiler and Fergus, ECCV 2014; for texts Li, Monroe and Jurafsky, 2016): the effect of a
word is the drop in the tag's probability when it is left out. This works with any model.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Arm, Selection

MOST_WORDS = 16  # each takes one prediction, together 0.4 s of a processor

_WORD = re.compile(r"\w+(?:[’'\-]\w+)*[+#]*")


@dataclass(frozen=True, slots=True)
class WordEffect:
    """The drop in the tag's probability, in [-1, 1], when a word is left out; positive if the word supports the tag."""

    word: str
    drop: float


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A labeled story near the explained one; similarity: the cosine of their embeddings, in [-1, 1]."""

    title: str
    url: str
    tags: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a post shows its tag."""

    post_id: str
    title: str
    url: str
    shown_tag: str
    probabilities: tuple[tuple[str, float], ...]  # (tag id, p), most probable first, including the shown tag
    words: tuple[WordEffect, ...] | None  # by the size of their effect on the shown tag; None: not computed yet
    neighbors: tuple[Neighbor, ...]  # none as long as `words` is None
    model_version: str
    policy: str
    propensity: float
    arm: Arm
    arm_probability: float
    selection: Selection
    predicted_at: datetime
    note: str = ""  # what is missing, and why


def words_of(text: str) -> list[str]:
    """Return up to 16 distinct words of a text, in order of appearance, without stop words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 - slow, and needed only here

    found: dict[str, str] = {}
    for match in _WORD.finditer(text):
        word = match.group()
        if word.casefold() not in ENGLISH_STOP_WORDS:
            found.setdefault(word.casefold(), word)
        if len(found) == MOST_WORDS:
            break
    return list(found.values())


def without(text: str, word: str) -> str:
    """Return a text without a word, regardless of case.

    >>> without("Pizza is pizza, pizzas are not", "pizza")
    'is , pizzas are not'
    """
    left = _WORD.sub(lambda match: "" if match.group().casefold() == word.casefold() else match.group(), text)
    return " ".join(left.split())


def words_that_mattered(text: str, probability: Callable[[Sequence[str]], NDArray[np.float64]]) -> list[WordEffect]:
    """Return a text's words, largest effect on a tag first; `probability` gives the tag's p in n texts, (n,)."""
    words = words_of(text)
    if not words:
        return []
    found = np.asarray(probability([text, *(without(text, word) for word in words)]), dtype=np.float64)
    effects = [WordEffect(word, float(found[0] - p)) for word, p in zip(words, found[1:], strict=True)]
    return sorted(effects, key=lambda effect: -abs(effect.drop))


def nearest(
    query: NDArray[np.float32], vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the `count` rows of vectors (n, d) nearest to query (d,), best first, and their cosines."""
    cosines = np.asarray(vectors @ query, dtype=np.float32)
    order = np.argsort(-cosines, kind="stable")[:count]
    return order, cosines[order]


def likeliest(probabilities: dict[str, float], shown: str, most: int) -> tuple[tuple[str, float], ...]:
    """Return the `most` likeliest tags with their probabilities, followed by the shown tag if it isn't among them."""
    ordered = sorted(probabilities.items(), key=lambda pair: (-pair[1], pair[0]))
    top = ordered[:most]
    return tuple(top if any(tag == shown for tag, _ in top) else [*top, (shown, probabilities.get(shown, 0.0))])
