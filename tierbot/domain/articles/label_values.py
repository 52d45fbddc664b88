"""Reads the labels of a record, in the forms in which archives and annotation tools write them."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from tierbot.domain.articles.cleaning import clean

LABEL_CHARACTERS = 100
FASTTEXT = "__label__"  # precedes each label in fastText's format
PATH = " > "
"""Joins the steps of a label in a taxonomy, from the root: "Sport > Football"."""

_MOST = 50
_RAW_TEXT = 200_000  # characters kept of a text before cleaning
_JOINED = re.compile(
    r"[^\s#](?:[^#]*[^\s#])?(?:#[^\s#](?:[^#]*[^\s#])?)+"
)  # doccano joins labels by "#"; "C#" is one label
_WHOLE = re.compile(r"(\d+)\.0+")  # data frames write integers like this if a value is missing
_SPAN = ({"start", "end"}, {"start_offset", "end_offset"})
_USUAL = ("value", "text", "name", "title", "term", "label", "url", "href", "src", "#text", "$t")


class LabelError(ValueError):
    """Labels that can't be understood; the text continues "the row …" and says how to fix it."""


def text_in(value: object, depth: int = 3) -> str:
    """Return the text in a value: a string, a number, a list of texts, or an object with a usual key."""
    if isinstance(value, str):
        return value[:_RAW_TEXT]
    if isinstance(value, bool) or value is None or depth == 0:
        return ""
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e300 else ""  # noqa: PLR2004 - Python refuses to print huge integers
    if isinstance(value, list):
        return " ".join(filter(None, (text_in(part, depth - 1) for part in value[:200])))[:_RAW_TEXT]
    if isinstance(value, dict):
        return next((text for key in _USUAL if (text := text_in(value.get(key), depth - 1))), "")
    return ""


def labels_in(value: object) -> tuple[str, ...]:
    """Return the labels in order, without repeats: from a text with separators, a list, an object's keys with weights above 0.

    Raises LabelError for a value of another form.
    """
    return tidy(list(_labels(value)))


def tidy(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels as plain text of limited length, in order, without empty and repeated ones."""
    cleaned = (clean(label[:_RAW_TEXT], LABEL_CHARACTERS) for label in labels[: _MOST * 2])
    return tuple(dict.fromkeys(filter(None, cleaned)))[:_MOST]


def _labels(value: object) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, str):
        yield from _in_text(value[:_RAW_TEXT].strip())
    elif isinstance(value, list):
        for part in value[: _MOST * 2]:
            yield from _in_list(part)
    elif isinstance(value, dict):
        yield from _in_object(value)
    else:
        yield _number(value)


def _in_text(text: str) -> Iterator[str]:
    if text[:1] + text[-1:] in {"[]", "{}"}:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            text = text.strip("[]").replace("'", "")
        else:
            yield from _labels(found)
            return
    if text.startswith(FASTTEXT):
        yield from (word.removeprefix(FASTTEXT) for word in text.split() if word.startswith(FASTTEXT))
        return
    if whole := _WHOLE.fullmatch(text):
        yield whole[1]
        return
    separator = next((mark for mark in "|;," if mark in text), "#" if _JOINED.fullmatch(text) else ",")
    yield from text.split(separator)


def _in_list(part: object) -> Iterator[str]:
    if isinstance(part, list):
        if not part or not all(isinstance(step, str) for step in part):
            raise LabelError(
                "labels spans of its text, or something else in lists; export one label for the whole text"
            )
        yield PATH.join(part)
    elif isinstance(part, dict):
        yield from _in_object(part)
    elif isinstance(part, str):
        yield part
    elif part is not None:
        yield _number(part)


def _in_object(value: dict[object, object]) -> Iterator[str]:
    if any(span <= value.keys() for span in _SPAN):
        raise LabelError("labels spans of its text; export one label for the whole text")
    for name in ("choices", "taxonomy"):  # Label Studio
        if isinstance(chosen := value.get(name), list):
            yield from chain.from_iterable(_in_list(part) for part in chosen if not isinstance(part, dict))
            return
    if all(isinstance(weight, int | float) for weight in value.values()):
        yield from (str(label) for label, weight in value.items() if weight > 0)  # type: ignore[operator]
        return
    text = text_in({key: one for key, one in value.items() if not isinstance(one, list)})
    if not text:
        raise LabelError(f"has an object as its label ({str(value)[:40]}); write a name, or a list of names")
    if value.get("score") != 0 and value.get("weight") != 0:
        yield text


def _number(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise LabelError(f"has {json.dumps(value, default=str)[:40]} as its label; write a name or an integer")
    return text_in(value)
