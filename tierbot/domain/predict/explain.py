"""Why a tag: which words of a text moved the model, and which labeled stories are near. Pure functions.

Words are judged by occlusion (Zeiler and Fergus, ECCV 2014; for texts Li, Monroe and Jurafsky, 2016): a word's
effect is how much less probable the tag becomes when the word is left out. It asks the model itself, whatever it is.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import Arm, Selection

MOST_WORDS = 40
"""Distinct words that are tried: the model reads a text once for each."""

_WORD = re.compile(r"\w+(?:[’'\-]\w+)*[+#]*")


@dataclass(frozen=True, slots=True)
class WordEffect:
    """How much probability the tag loses when a word is left out: positive words spoke for it. In [-1, 1]."""

    word: str
    drop: float


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A labeled story near the explained one; similarity is the cosine of their embeddings, in [-1, 1]."""

    title: str
    url: str
    tags: tuple[str, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of why a post shows what it shows.

    probabilities: (tag id, p), most probable first, the shown tag among them. words: by the size of their effect
    on the shown tag. `note` says what could not be told, and why.
    """

    post_id: str
    title: str
    url: str
    shown_tag: str
    probabilities: tuple[tuple[str, float], ...]
    words: tuple[WordEffect, ...]
    neighbors: tuple[Neighbor, ...]
    model_version: str
    policy: str
    propensity: float
    arm: Arm
    arm_probability: float
    selection: Selection
    predicted_at: datetime
    note: str = ""


def words_of(text: str, most: int = MOST_WORDS) -> list[str]:
    """Return the distinct words of a text worth trying, in order of appearance: no stop words, at most `most`."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 - slow, and needed only here

    found: dict[str, str] = {}
    for match in _WORD.finditer(text):
        word = match.group()
        if word.casefold() not in ENGLISH_STOP_WORDS:
            found.setdefault(word.casefold(), word)
        if len(found) == most:
            break
    return list(found.values())


def without(text: str, word: str) -> str:
    """Return a text with every occurrence of a word left out, whatever its case.

    >>> without("Pizza is pizza, pizzas are not", "pizza")
    'is , pizzas are not'
    """
    left = _WORD.sub(lambda match: "" if match.group().casefold() == word.casefold() else match.group(), text)
    return " ".join(left.split())


def words_that_mattered(
    text: str, probability: Callable[[Sequence[str]], NDArray[np.float64]], most: int = MOST_WORDS
) -> list[WordEffect]:
    """Return the words of a text with their effect on one tag, the largest effect first.

    `probability` gives the model's probability of that tag for n texts, shape (n,); it is asked once, for the text
    and for the text without each of its words.
    """
    words = words_of(text, most)
    if not words:
        return []
    found = np.asarray(probability([text, *(without(text, word) for word in words)]), dtype=np.float64)
    effects = [WordEffect(word, float(found[0] - p)) for word, p in zip(words, found[1:], strict=True)]
    return sorted(effects, key=lambda effect: -abs(effect.drop))


def nearest(
    query: NDArray[np.float32], vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return up to `count` rows of vectors (n, d) most similar to query (d,), and their cosines, best first.

    All are of unit length. Equal ones keep their order.
    """
    cosines = np.asarray(vectors @ query, dtype=np.float32)
    order = np.argsort(-cosines, kind="stable")[:count]
    return order, cosines[order]


def likeliest(probabilities: dict[str, float], shown: str, most: int) -> tuple[tuple[str, float], ...]:
    """Return the `most` likeliest tags with their probabilities, and the shown one behind them if it is none of them."""
    ordered = sorted(probabilities.items(), key=lambda pair: (-pair[1], pair[0]))
    top = ordered[:most]
    return tuple(top if any(tag == shown for tag, _ in top) else [*top, (shown, probabilities.get(shown, 0.0))])
