"""Fixed rules for what is posted, which training never changes.

    sources = ["tabloid.example", "Some Publisher"]   # a site with its subdomains, or the name of a source
    words = ["lottery", "crypto*", "black friday"]    # whole words or phrases; * matches any ending
    tags = ["celebrity"]                              # never post articles about these

    [minimum_confidence]
    warfare = 0.6                                     # never show this tag below this probability

    [only]                                            # post nothing that lacks one of these, in each list that is given
    words = ["harbor", "ferr*"]

    [[feed]]                                          # more rules, for one feed
    url = "https://feeds.example/news.xml"
    words = ["horoscope"]
    [feed.only]
    tags = ["law", "politics"]

A story that several feeds carry is held back by their rules only if each of them holds it back. [only] doesn't apply to what people
ask about themselves. Each decision names the rule that held the article back, so it can be counted and listed.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property, partial
from typing import Any

from tierbot.domain.articles.urls import canonical_url, site_of
from tierbot.domain.nouns import Article, TierbotError, key
from tierbot.domain.tags import TagSpace
from tierbot.domain.toml_text import parse_toml

UNCLEAR_VERSION = "unclear/1"  # of the rules in domain/predict/unclear.py

_LISTS = ("sources", "words", "tags")
_KEYS = (*_LISTS, "minimum_confidence", "only", "feed")
_FEED_KEYS = ("url", *_LISTS, "only")
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
    ONLY = "only"  # it has none of the required sources, words or tags
    UNCLEAR = "unclear"  # not a rule of the file: the text says too little (domain/predict/unclear.py)


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
class Rules:
    """Sources, words and tags, as written."""

    sources: tuple[str, ...] = ()  # names or sites
    words: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()  # tag ids

    def source_of(self, article: Article) -> str | None:
        """Return the first rule that names the article's source or site."""
        source, site = article.source.casefold(), site_of(article.url)
        for rule in self.sources:
            name = rule.casefold()
            if name == source or (site and (site == name or site.endswith(f".{name}"))):
                return rule
        return None

    def word_in(self, article: Article) -> str | None:
        """Return the first rule whose word or phrase is in the article's title or text."""
        content = article.content.casefold() if self.words else ""
        for rule, literal, pattern in self._patterns:
            # A literal search is a hundred times faster than a pattern, and rarely finds anything.
            if literal in content and pattern.search(content):
                return rule
        return None

    @property
    def lists(self) -> list[Sequence[str]]:
        """The rules in a fixed order, for a digest; all empty without any."""
        return [self.sources, self.words, sorted(self.tags)]

    @cached_property
    def _patterns(self) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
        """Each word rule, the longest literal that all its matches contain, and its pattern."""
        return tuple(
            (rule, max(rule.casefold().replace("*", " ").split(), key=len), re.compile(_as_pattern(rule)))
            for rule in self.words
        )


@dataclass(frozen=True)
class Boundaries(Rules):
    """The rules: what is never posted, and what a story must have. Without any, everything passes."""

    minimum_confidence: Mapping[str, float] = field(default_factory=dict)  # tag id → p in [0, 1]
    only: Rules = field(default_factory=Rules)  # each list that isn't empty must match
    feeds: Mapping[str, "Boundaries"] = field(default_factory=dict)  # canonical URL → more rules

    def before(self, article: Article) -> Held | None:
        """Check an article's source and words, before prediction; None lets it pass."""
        return self._before(article) or self._by_feeds(article, lambda rules: rules.before(article))

    def after(self, probabilities: Mapping[str, float], article: Article | None = None) -> Held | None:
        """Hold a predicted article back if its likeliest tag is barred or not in [only], or if no tag may be shown.

        probabilities: the model's p (tag id → probability). article: for the rules of its feeds.
        """
        if not probabilities:
            return None
        top = max(probabilities, key=lambda tag: (probabilities[tag], tag))
        held = self._after(top, article)
        if held is None and article is not None:
            held = self._by_feeds(article, lambda rules: rules.before(article) or rules.after(probabilities, article))
        if held is None and not self.allowed(probabilities, article):
            return Held(Boundary.CONFIDENCE, f"{top} ≥ {self.minimum_confidence[top]:g}")
        return held

    def allowed(self, probabilities: Mapping[str, float], article: Article | None = None) -> frozenset[str]:
        """Return the tags that may be shown, given the model's p (tag id → probability)."""
        by_feed = [rules.tags for _, rules in self._feeds_of(article)] if article else []
        barred = self.tags | frozenset.intersection(*by_feed) if by_feed else self.tags
        return frozenset(
            tag
            for tag, probability in probabilities.items()
            if tag not in barred and probability >= self.minimum_confidence.get(tag, 0.0)
        )

    @cached_property
    def judges_tags(self) -> bool:
        """Whether any rule is about tags."""
        every = [self, self.only, *self.feeds.values(), *(rules.only for rules in self.feeds.values())]
        return bool(self.minimum_confidence) or any(rules.tags for rules in every)

    def _before(self, article: Article) -> Held | None:
        if rule := self.source_of(article):
            return Held(Boundary.SOURCE, rule)
        if rule := self.word_in(article):
            return Held(Boundary.WORD, rule)
        if _is_asked_for(article):
            return None
        if self.only.sources and not self.only.source_of(article):
            return Held(Boundary.ONLY, "sources")
        if self.only.words and not self.only.word_in(article):
            return Held(Boundary.ONLY, "words")
        return None

    def _after(self, top: str, article: Article | None) -> Held | None:
        if top in self.tags:
            return Held(Boundary.TAG, top)
        if self.only.tags and top not in self.only.tags and not (article and _is_asked_for(article)):
            return Held(Boundary.ONLY, "tags")
        return None

    def _feeds_of(self, article: Article) -> list[tuple[str, "Boundaries"]]:
        if not self.feeds:
            return []
        return [(url, self.feeds.get(canonical_url(url), _NO_RULES)) for url in article.feeds]

    def _by_feeds(self, article: Article, check: Callable[["Boundaries"], Held | None]) -> Held | None:
        """Return the first feed's reason to hold an article back, if each feed that carries it has one."""
        reasons = [(url, check(rules)) for url, rules in self._feeds_of(article)]
        if not reasons or not all(held for _, held in reasons):
            return None
        url, held = reasons[0]
        return held and Held(held.boundary, f"{held.rule} ({url})")

    def grounds(self, model_version: str) -> tuple[str, str]:
        """Return digests of what `before` and `after` (with this model) depend on; equal digests, equal answers."""
        return self.digest, key(self.digest, model_version)

    @cached_property
    def digest(self) -> str:
        """A short hash of the rules; "" without any."""
        more = [[url, rules.lists, rules.only.lists] for url, rules in sorted(self.feeds.items())]
        if not (any(self.lists) or any(self.only.lists) or self.minimum_confidence or more):
            return ""
        wanted = [self.only.lists, more] if any(self.only.lists) or more else []
        return key("boundaries", *self.lists, sorted(self.minimum_confidence.items()), *wanted)


_NO_RULES = Boundaries()


def _is_asked_for(article: Article) -> bool:
    return article.asked_in is not None or article.check_tag is not None


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


_Fault = Callable[[str, str], BoundaryFileError]


def parse_boundaries(text: str, name: str, tags: TagSpace) -> Boundaries:
    """Read boundaries from TOML text; errors call the file `name`. Raises BoundaryFileError if it is invalid."""
    table = parse_toml(text, name, BoundaryFileError)
    fault = partial(_fault, text, name, 0)
    rules, only = _rules(table, _KEYS, tags, fault), _only(table, tags, fault)
    confidence = table.get("minimum_confidence", {})
    if not isinstance(confidence, dict):
        raise fault(
            "minimum_confidence", "minimum_confidence isn't a table. Write [minimum_confidence], then tag = 0.6."
        )
    for tag, least in confidence.items():
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
            raise fault(tag, f"{tag} = {least!r} isn't a number from 0 to 1. Write {tag} = 0.6.")
    _check_tags(confidence, tags, fault)
    feeds = table.get("feed", [])
    if not isinstance(feeds, list) or not all(isinstance(feed, dict) for feed in feeds):
        raise fault("feed", 'feed isn\'t a list of tables. Write [[feed]], then url = "https://…".')
    starts = [number for number, line in enumerate(text.splitlines()) if re.match(r"\s*\[\[\s*feed\s*\]\]", line)]
    by_feed: dict[str, Boundaries] = {}
    for place, feed in enumerate(feeds):
        at = partial(_fault, text, name, starts[place] if place < len(starts) else 0)
        url = canonical_url(feed.get("url", "")) if isinstance(feed.get("url", ""), str) else ""
        if not url or url in by_feed:
            raise at("url" if "url" in feed else "feed", 'each feed needs a url of its own. Write url = "https://…".')
        own = _rules(feed, _FEED_KEYS, tags, at)
        by_feed[url] = Boundaries(own.sources, own.words, own.tags, only=_only(feed, tags, at))
    return Boundaries(rules.sources, rules.words, rules.tags, confidence, only, by_feed)


def _fault(text: str, name: str, start: int, word: str, what: str) -> BoundaryFileError:
    """Return an error about the first line after `start` lines that has a word outside comments."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
    lines = enumerate(text.splitlines()[start:], start + 1)
    number = next((number for number, line in lines if pattern.search(line.partition("#")[0])), start + 1)
    return BoundaryFileError(f"{name}:{number}: {what}")


def _rules(table: Mapping[str, Any], keys: Sequence[str], tags: TagSpace, fault: _Fault) -> Rules:
    for unknown in table.keys() - set(keys):
        hint = _hint(unknown, keys, f"Use {', '.join(keys)}.")
        raise fault(unknown, f"unknown boundary {unknown!r}. {hint}")
    sources, words, named = (_texts(table, key, fault) for key in _LISTS)
    _check_tags(named, tags, fault)
    return Rules(sources, words, frozenset(named))


def _only(table: Mapping[str, Any], tags: TagSpace, fault: _Fault) -> Rules:
    found = table.get("only", {})
    if not isinstance(found, dict):
        raise fault("only", "only isn't a table. Write [only], then words = […].")
    return _rules(found, _LISTS, tags, fault)


def _check_tags(named: Iterable[str], tags: TagSpace, fault: _Fault) -> None:
    for tag in named:
        if tag not in tags:
            hint = _hint(tag, [known.id for known in tags], "Run `tierbot tags list` to see them.")
            raise fault(tag, f"unknown tag {tag!r}. {hint}")


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
