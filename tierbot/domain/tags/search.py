"""Finds the tags that people mean by what they type: "sport" finds soccer and tennis, "film" movies."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

from tierbot.domain.nouns import Tag
from tierbot.domain.tags.emoji import names_of

_SHORTEST_STEM = 3  # letters; shorter beginnings fit too many words
_ALIKE = 0.75  # similarity of a misspelled word
_NAME, _SYNONYM, _EMOJI, _DESCRIPTION, _MISSPELLED = 8.0, 6.0, 4.0, 3.0, 1.0
_WHOLE, _BEGINNING = 1.5, 1.0


def search_tags(tags: Iterable[Tag], text: str) -> list[Tag]:
    """Return the tags that fit every word of `text`, best first; ties keep their order. Without text, return all.

    A name counts most, then synonyms, the emoji's names and the description. A whole word counts more than a beginning.
    If nothing fits, return tags with similarly spelled names or synonyms.
    """
    wanted = _words(text)
    found = [(fit, tag) for tag in tags if (fit := _fit(tag, wanted)) > 0 or not wanted]
    if any(fit > _MISSPELLED for fit, _ in found):
        found = [(fit, tag) for fit, tag in found if fit > _MISSPELLED]
    return [tag for _, tag in sorted(found, key=lambda one: -one[0])]


def _fit(tag: Tag, wanted: list[str]) -> float:
    fields = (
        (_NAME, _words(f"{tag.name} {tag.id}")),
        (_SYNONYM, _words(" ".join(tag.synonyms))),
        (_EMOJI, _words(" ".join((tag.short_name, *names_of(tag.short_name))))),
        (_DESCRIPTION, _words(tag.description)),
    )
    fits = [max(weight * _match(word, words) for weight, words in fields) for word in wanted]
    if fits and all(fits):
        return sum(fits)
    known = [word for _, words in fields[:2] for word in words]
    alike = all(any(SequenceMatcher(None, word, one).ratio() >= _ALIKE for one in known) for word in wanted)
    return _MISSPELLED if wanted and alike else 0.0


def _match(word: str, words: Iterable[str]) -> float:
    if word in words:
        return _WHOLE
    starts = any(one.startswith(word) or (len(one) >= _SHORTEST_STEM and word.startswith(one)) for one in words)
    return _BEGINNING if starts and len(word) >= _SHORTEST_STEM else 0.0


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c)))
