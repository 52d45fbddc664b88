"""Tells which texts say too little to classify: no words, no topic, or words that the model doesn't know.

A model always answers with probabilities that sum to 1, so an emoji alone would be "Cars 10%". The thresholds are measured:
docs/benchmarks.md, "Too little to tell".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import hashed
from tierbot.domain.predict.model import Model
from tierbot.domain.toml_text import parse_toml

_LEARNED_ENGLISH = 0.9  # share of the frequent English words that a model must have learned to tell other languages
_LONG = 3  # letters of a word that counts as known or unknown
_KNOWN_IN_OTHERS = 0.7  # with words of another language, a share of known words below this is unclear
_KNOWN = 0.5  # a lower share of known words is unclear, if the letters don't look English, either
_ENGLISH_LETTERS = 0.9  # share of trigrams that are frequent in English
_FEWEST_LONG = 3  # words of another script; fewer are known by chance, because words are hashed
_GIBBERISH = 0.7  # with a lower share, known words don't matter
_MOST_CHARACTERS = 2560  # as many as the encoder reads

_NOT_WORDS = re.compile(
    r"<?(?:https?|ftp|mailto):\S+|\bwww\.\S+|<[@#!][^>]*>|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|example)\b\S*"
    r"|:[a-z0-9_+'-]+:(?::skin-tone-[2-6]:)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LATIN = re.compile(r"[a-z\u00c0-\u024f\u1e00-\u1eff]")


class Unclear(StrEnum):
    """Why a text says too little."""

    NO_WORDS = "no words"
    NO_TOPIC = "no topic"
    LANGUAGE = "unknown words"

    @property
    def in_words(self) -> str:
        """A sentence for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Unclear.NO_WORDS: "Too little to tell: there are no words in it.",
    Unclear.NO_TOPIC: "Too little to tell: it doesn't name a topic.",
    Unclear.LANGUAGE: "Too little to tell: I don't know this language, or these words.",
}


@dataclass(frozen=True, slots=True)
class _Lists:
    english: frozenset[str]
    courtesies: frozenset[str]
    others: frozenset[str]
    trigrams: frozenset[str]


def why_unclear(texts: Sequence[str], model: Model | None = None) -> list[Unclear | None]:
    """Return for each of n texts why it says too little for this model, or for any, or None if it says enough.

    Words count as unknown only to a classifier that learned from English texts, as the bootstrap model did; words that
    it learns later count as known. Other models may know any language.
    """
    words = [words_of(text) for text in texts]
    known = _known_shares(words, model)
    return [_why(found, share) for found, share in zip(words, known, strict=True)]


def words_of(text: str) -> list[str]:
    """Return a text's words in lowercase, without addresses, mentions and emoji.

    >>> words_of("Hi <@U1>, see https://a.example/b :pizza: 2 Pizzas!")
    ['hi', 'see', 'pizzas']
    """
    return _WORD.findall(_NOT_WORDS.sub(" ", text[:_MOST_CHARACTERS]).lower())


def trigrams_of(words: Sequence[str]) -> list[str]:
    """Return the runs of three letters in words, whose ends are marked by underscores.

    >>> trigrams_of(["cat", "of"])
    ['_ca', 'cat', 'at_', '_of', 'of_']
    """
    return [f"_{word}_"[start : start + 3] for word in words for start in range(len(word))]


def _why(words: Sequence[str], known: float | None) -> Unclear | None:
    lists = _lists()
    if not words:
        return Unclear.NO_WORDS
    if all(word in lists.english or word in lists.courtesies for word in words):
        return Unclear.NO_TOPIC
    return None if known is None or _is_known(words, known, lists) else Unclear.LANGUAGE


def _is_known(words: Sequence[str], known: float, lists: _Lists) -> bool:
    trigrams = trigrams_of(words)
    english_letters = sum(one in lists.trigrams for one in trigrams) / len(trigrams)
    english, others = (sum(word in kind for word in words) for kind in (lists.english, lists.others))
    long = sum(len(word) >= _LONG for word in words)
    is_latin = sum(bool(_LATIN.match(word)) for word in words) * 2 > len(words)
    if not is_latin or others > english:
        return known >= _KNOWN_IN_OTHERS and (is_latin or long >= _FEWEST_LONG)
    if english_letters < _GIBBERISH:
        return False
    return bool(english) or long < 2 or known >= _KNOWN or english_letters >= _ENGLISH_LETTERS  # noqa: PLR2004 - one says little


def _known_shares(words: Sequence[Sequence[str]], model: Model | None) -> list[float] | list[None]:
    """Return the share of each text's longer words that the model has learned, in [0, 1]."""
    if not isinstance(model, Classifier):
        return [None] * len(words)
    learned = model.tfidf.columns
    if np.mean(_are_in(sorted(_lists().english), learned)) < _LEARNED_ENGLISH:
        return [None] * len(words)
    long = [[word for word in found if len(word) >= _LONG] for found in words]
    each = sorted({word for found in long for word in found})
    is_known = dict(zip(each, _are_in(each, learned), strict=True))
    return [sum(bool(is_known[word]) for word in found) / max(1, len(found)) for found in long]


def _are_in(words: Sequence[str], columns: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return whether each of n words is among the hashed columns, (n,)."""
    found = hashed(words)
    missing = np.bincount(
        np.repeat(np.arange(len(words)), np.diff(found.indptr)), ~np.isin(found.indices, columns), len(words)
    )
    return np.asarray(missing == 0)


@cache
def _lists() -> _Lists:
    folder = resources.files("tierbot.domain.predict")
    table = parse_toml(folder.joinpath("languages.toml").read_text(encoding="utf-8"), "languages.toml", TierbotError)
    english, courtesies, others = (frozenset(str(table[name]).split()) for name in ("english", "courtesies", "others"))
    trigrams = folder.joinpath("trigrams.txt").read_text(encoding="utf-8").split()
    return _Lists(english, courtesies, others - english - courtesies, frozenset(trigrams))
