"""Keeps articles from being posted by fixed rules that training never changes.

    sources = ["tabloid.example", "Some Publisher"]   # a site with its subdomains, or the name of a source
    words = ["lottery", "crypto*", "black friday"]    # whole words or phrases; * matches any ending
    tags = ["celebrity"]                              # never post articles about these

    [minimum_confidence]
    warfare = 0.6                                     # never show this tag below this probability

Each decision names the rule that held the article back, so it can be counted and listed.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from tierbot.domain.articles.urls import site_of
from tierbot.domain.nouns import Article, TierbotError, key
from tierbot.domain.tags import TagSpace
from tierbot.domain.toml_text import parse_toml

UNCLEAR_VERSION = "unclear/1"  # of the rules in domain/predict/unclear.py

_KEYS = ("sources", "words", "tags", "minimum_confidence")
_MOST_RULES = 5_000
_WORD_CHARACTER = re.compile(
    r"[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)  # Chinese and Japanese have no word breaks


class BoundaryFileError(TierbotError):
    """An invalid boundaries file; the text names the file, the line and the fix."""


class Boundary(StrEnum):
    """The kind of a boundary."""

    SOURCE = "source"
    WORD = "word"
    TAG = "tag"
    CONFIDENCE = "confidence"
    UNCLEAR = "unclear"  # no rule of the file: the text says too little (domain/predict/unclear.py)


@dataclass(frozen=True, slots=True)
class Held:
    """Why an article is held back: the kind of boundary, and the rule as written in the file."""

    boundary: Boundary
    rule: str

    def __str__(self) -> str:
        return f"{self.boundary}: {self.rule}"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An article that a boundary held back."""

    article_id: str
    held: Held
    grounds: str  # a digest of the rules, and of the model if it mattered, that decided (see Boundaries.grounds)
    at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)  # the likeliest tag, its probability, the model version


@dataclass(frozen=True, slots=True)
class HeldCount:
    """How many articles a rule has held back, and the latest titles."""

    held: Held
    count: int
    latest: tuple[str, ...]


@dataclass(frozen=True)
class Boundaries:
    """The rules. Without any, everything passes."""

    sources: tuple[str, ...] = ()  # names or sites
    words: tuple[str, ...] = ()  # as written
    tags: frozenset[str] = frozenset()  # tag ids
    minimum_confidence: Mapping[str, float] = field(default_factory=dict)  # tag id → p in [0, 1]

    def before(self, article: Article) -> Held | None:
        """Check an article's source and words, before prediction; None lets it pass."""
        source, site = article.source.casefold(), site_of(article.url)
        for rule in self.sources:
            name = rule.casefold()
            if name == source or (site and (site == name or site.endswith(f".{name}"))):
                return Held(Boundary.SOURCE, rule)
        content = article.content.casefold() if self.words else ""
        for rule, literal, pattern in self._patterns:
            # A literal search is a hundred times faster than a pattern, and rarely finds anything.
            if literal in content and pattern.search(content):
                return Held(Boundary.WORD, rule)
        return None

    def allowed(self, probabilities: Mapping[str, float]) -> frozenset[str]:
        """Return the tags that may be shown, given the model's p (tag id → probability)."""
        return frozenset(
            tag
            for tag, probability in probabilities.items()
            if tag not in self.tags and probability >= self.minimum_confidence.get(tag, 0.0)
        )

    def after(self, probabilities: Mapping[str, float]) -> Held | None:
        """Hold a predicted article back if its likeliest tag is barred, or if no tag may be shown (see `allowed`)."""
        if not probabilities:
            return None
        top = max(probabilities, key=lambda tag: (probabilities[tag], tag))
        if top in self.tags:
            return Held(Boundary.TAG, top)
        if not self.allowed(probabilities):
            return Held(Boundary.CONFIDENCE, f"{top} ≥ {self.minimum_confidence[top]:g}")
        return None

    def grounds(self, model_version: str) -> tuple[str, str]:
        """Return digests of what `before` and `after` (with this model) depend on; equal digests, equal answers."""
        return self.digest, key(self.digest, model_version)

    @cached_property
    def digest(self) -> str:
        """A short hash of the rules; "" without any."""
        if not (self.sources or self.words or self.tags or self.minimum_confidence):
            return ""
        return key("boundaries", self.sources, self.words, sorted(self.tags), sorted(self.minimum_confidence.items()))

    @cached_property
    def _patterns(self) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
        """Each word rule, the longest literal that all its matches contain, and its pattern."""
        return tuple(
            (rule, max(rule.casefold().replace("*", " ").split(), key=len), re.compile(_as_pattern(rule)))
            for rule in self.words
        )


def held_grounds(rules: Boundaries, version: str, *, ask_unclear: bool) -> tuple[str, ...]:
    """Return the grounds for which held-back articles needn't be checked again with this model version."""
    ruled = rules.grounds(version) if rules.digest else ()
    return ruled if ask_unclear else (*ruled, unclear_grounds(version))


def unclear_grounds(version: str) -> str:
    """Return the grounds for which an unclear article is held back: the next model may know its words."""
    return key(UNCLEAR_VERSION, version)


def _as_pattern(rule: str) -> str:
    words = [re.escape(word).replace(r"\*", r"\w*") for word in rule.casefold().split()]
    pattern = r"\s+".join(words)
    before = r"(?<!\w)" if _WORD_CHARACTER.match(rule[0]) else ""
    after = r"(?!\w)" if _WORD_CHARACTER.match(rule[-1]) else ""
    return f"{before}{pattern}{after}"


def parse_boundaries(text: str, name: str, tags: TagSpace) -> Boundaries:
    """Read boundaries from TOML text; errors call the file `name`. Raises BoundaryFileError if it is invalid."""
    table = parse_toml(text, name, BoundaryFileError)

    def fault(word: str, what: str) -> BoundaryFileError:
        """Return an error about the first line that has a word outside comments."""
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        lines = enumerate(text.splitlines(), 1)
        number = next((number for number, line in lines if pattern.search(line.partition("#")[0])), 1)
        return BoundaryFileError(f"{name}:{number}: {what}")

    for unknown in table.keys() - set(_KEYS):
        hint = _hint(unknown, _KEYS, f"Use {', '.join(_KEYS)}.")
        raise fault(unknown, f"unknown boundary {unknown!r}. {hint}")
    sources, words, barred = (_texts(table, key, fault) for key in ("sources", "words", "tags"))
    confidence = table.get("minimum_confidence", {})
    if not isinstance(confidence, dict):
        raise fault(
            "minimum_confidence", "minimum_confidence isn't a table. Write [minimum_confidence], then tag = 0.6."
        )
    for tag, least in confidence.items():
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
            raise fault(tag, f"{tag} = {least!r} isn't a number from 0 to 1. Write {tag} = 0.6.")
    for tag in (*barred, *confidence):
        if tag not in tags:
            hint = _hint(tag, [known.id for known in tags], "Run `tierbot tags list` to see them.")
            raise fault(tag, f"unknown tag {tag!r}. {hint}")
    return Boundaries(sources, words, frozenset(barred), confidence)


def _texts(table: Mapping[str, Any], key: str, fault: Callable[[str, str], BoundaryFileError]) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise fault(key, f'{key} isn\'t a list of strings. Write {key} = ["…"].')
    if len(values) > _MOST_RULES:
        raise fault(key, f"{len(values)} {key}. Use no more than {_MOST_RULES}.")
    for value in values:
        if not value.strip(" *"):
            raise fault(key, f"{key} has {value!r}, which would match everything. Remove it.")
    return tuple(" ".join(value.split()) for value in values)


def _hint(word: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f"Did you mean {near[0]}?" if near else otherwise
