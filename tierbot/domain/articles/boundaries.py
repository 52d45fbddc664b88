"""Boundaries that no learning moves: what is never posted, whatever the model says.

    sources = ["tabloid.example", "Some Publisher"]   # a site with its subdomains, or a source's name
    words = ["lottery", "crypto*", "black friday"]    # whole words or phrases; * stands for any ending
    tags = ["celebrity"]                              # no article that is about these

    [minimum_confidence]
    warfare = 0.6                                     # shown only where the model is at least this sure

Pure decisions; each says which boundary held an article back, so that it can be counted and listed.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from tierbot.domain.articles.urls import site_of
from tierbot.domain.nouns import Article, TierbotError, key
from tierbot.domain.tags import TagSpace

_KEYS = ("sources", "words", "tags", "minimum_confidence")
_MOST_RULES = 5_000
_LETTERS_JOIN = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # not so in Chinese and Japanese


class BoundaryFileError(TierbotError):
    """A file of boundaries that cannot be used; the text names file, line and remedy."""


class Boundary(StrEnum):
    """The kinds of boundaries."""

    SOURCE = "source"
    WORD = "word"
    TAG = "tag"
    CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Held:
    """Why an article is held back: the kind of boundary, and the rule as it is written in the file."""

    boundary: Boundary
    rule: str

    def __str__(self) -> str:
        """Return it as people read it: "word: crypto*"."""
        return f"{self.boundary}: {self.rule}"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An article that a boundary held back. `grounds`: what that rests on, see Boundaries.grounds.

    `detail` is kept for those who ask later: the likeliest tag, its probability, the model version.
    """

    article_id: str
    held: Held
    grounds: str
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldCount:
    """How many articles a rule has held back, and the titles of the latest of them."""

    held: Held
    count: int
    latest: tuple[str, ...]


@dataclass(frozen=True)
class Boundaries:
    """What is never posted. Without any rule everything passes.

    sources: names or sites; words: as written; tags: tag ids; minimum_confidence: tag id → p in [0, 1].
    """

    sources: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    minimum_confidence: Mapping[str, float] = field(default_factory=dict)

    def before(self, article: Article) -> Held | None:
        """Decide on an article before it is predicted, by its source and its words; None lets it pass."""
        source, site = article.source.casefold(), site_of(article.url)
        for rule in self.sources:
            name = rule.casefold()
            if name == source or (site and (site == name or site.endswith(f".{name}"))):
                return Held(Boundary.SOURCE, rule)
        content = article.content.casefold() if self.words else ""
        for rule, literal, pattern in self._patterns:
            # Looking for a literal is a hundred times as fast as for a pattern, and hardly any is there.
            if literal in content and pattern.search(content):
                return Held(Boundary.WORD, rule)
        return None

    def allowed(self, probabilities: Mapping[str, float]) -> frozenset[str]:
        """Return the tags that may be shown for an article of which the model says p: tag id → probability."""
        return frozenset(
            tag
            for tag, probability in probabilities.items()
            if tag not in self.tags and probability >= self.minimum_confidence.get(tag, 0.0)
        )

    def after(self, probabilities: Mapping[str, float]) -> Held | None:
        """Decide on a predicted article: held back if its likeliest tag is barred, or if no tag may be shown.

        A likeliest tag that lacks confidence gives way to the next; see `allowed`.
        """
        if not probabilities:
            return None
        top = max(probabilities, key=lambda tag: (probabilities[tag], tag))
        if top in self.tags:
            return Held(Boundary.TAG, top)
        if not self.allowed(probabilities):
            return Held(Boundary.CONFIDENCE, f"{top} ≥ {self.minimum_confidence[top]:g}")
        return None

    def grounds(self, model_version: str) -> tuple[str, str]:
        """Return what decisions rest on now: those of `before`, and those of `after` about this model's p.

        An article held back on these grounds need not be looked at again; other rules, or (for `after`) another
        model, may let it pass.
        """
        return self.digest, key(self.digest, model_version)

    @cached_property
    def digest(self) -> str:
        """A short name for exactly these rules; "" without any."""
        if not (self.sources or self.words or self.tags or self.minimum_confidence):
            return ""
        return key("boundaries", self.sources, self.words, sorted(self.tags), sorted(self.minimum_confidence.items()))

    @cached_property
    def _patterns(self) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
        """Each word rule with the longest literal that whatever it matches contains, and its pattern."""
        return tuple(
            (rule, max(rule.casefold().replace("*", " ").split(), key=len), re.compile(_as_pattern(rule)))
            for rule in self.words
        )


def _as_pattern(rule: str) -> str:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in rule.casefold().split()]
    pattern = r"\s+".join(words)
    before = r"(?<!\w)" if _LETTERS_JOIN.match(rule[0]) else ""
    after = r"(?!\w)" if _LETTERS_JOIN.match(rule[-1]) else ""
    return f"{before}{pattern}{after}"


# --- the file -------------------------------------------------------------------------------------


def load_boundaries(path: Path | None, tags: TagSpace) -> Boundaries:
    """Read boundaries from a TOML file; without a path there are none.

    Raises BoundaryFileError if the file cannot be read or says something impossible.
    """
    if path is None:
        return Boundaries()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise BoundaryFileError(f"{path}: cannot be read ({fault.strerror}). Give the path of a TOML file.") from fault
    except UnicodeDecodeError as fault:
        raise BoundaryFileError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from fault
    return parse_boundaries(text, str(path), tags)


def parse_boundaries(text: str, name: str, tags: TagSpace) -> Boundaries:
    """Read boundaries from TOML text; `name` is what errors call the file, `tags` are those that exist.

    Raises BoundaryFileError, naming file, line and remedy.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise BoundaryFileError(f"{name}: {fault}. Mend the TOML there.") from fault
    lines = text.splitlines()
    for unknown in table.keys() - set(_KEYS):
        near = difflib.get_close_matches(unknown, _KEYS, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(_KEYS)}."
        raise BoundaryFileError(f"{_place(name, lines, unknown)}: there is no boundary {unknown!r}. {hint}")
    sources, words, barred = (_texts(table, key, name, lines) for key in ("sources", "words", "tags"))
    confidence = table.get("minimum_confidence", {})
    if not isinstance(confidence, dict):
        where = _place(name, lines, "minimum_confidence")
        raise BoundaryFileError(f"{where}: minimum_confidence is no table. Write [minimum_confidence], then tag = 0.6.")
    for tag, least in confidence.items():
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
            where = _place(name, lines, tag)
            raise BoundaryFileError(f"{where}: {tag} = {least!r} is no number from 0 to 1. Write {tag} = 0.6.")
    for tag in (*barred, *confidence):
        if tag not in tags:
            near = difflib.get_close_matches(tag, [known.id for known in tags], 1)
            hint = f"Did you mean {near[0]}?" if near else "`tierbot tags` lists them."
            raise BoundaryFileError(f"{_place(name, lines, tag)}: there is no tag {tag!r}. {hint}")
    return Boundaries(sources, words, frozenset(barred), confidence)


def _texts(table: Mapping[str, Any], key: str, name: str, lines: list[str]) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BoundaryFileError(f'{_place(name, lines, key)}: {key} is no list of texts. Write {key} = ["…"].')
    if len(values) > _MOST_RULES:
        where = _place(name, lines, key)
        raise BoundaryFileError(f"{where}: {len(values)} {key}; at most {_MOST_RULES} are supported. Remove some.")
    for value in values:
        if not value.strip(" *"):
            where = _place(name, lines, key)
            raise BoundaryFileError(f"{where}: {key} holds {value!r}, which would match everything. Remove it.")
    return tuple(" ".join(value.split()) for value in values)


def _place(name: str, lines: list[str], word: str) -> str:
    """Return "file:line" of the first line that names a word outside comments."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
    for number, line in enumerate(lines, 1):
        if pattern.search(line.partition("#")[0]):
            return f"{name}:{number}"
    return f"{name}:1"
