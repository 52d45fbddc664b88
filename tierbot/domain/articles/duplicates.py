"""Folds duplicates into one article: a URL read twice adds nothing, the same story elsewhere adds a copy.

An article's id is a key over its canonical identity (its URL, or else title, source and text), so reading a file or a
feed again gives the same ids. Near duplicates are found by title and compared word by word rather than by a distance,
because often a single word or number makes it another story: "Part 2", "beats France", "denies". Two stories are one if
`likeness` says so: titles equal but for a few added words, published within three days, bodies not unrelated.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from tierbot.domain.articles.cleaning import TITLE_CHARACTERS, shorten
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.articles.urls import canonical_url, site_of
from tierbot.domain.nouns import Article, Copy, key

_APART = timedelta(days=3)  # later, the same headline is a column or a new event
_LONG_WORDS, _LONG_CHARACTERS = 4, 20  # a title this long rarely occurs twice by chance
_MOST_ADDED = 0.3  # extra content words in the longer title, as a share of the shorter title's words
_SAME_TITLE, _EDITED_TEXT = (
    60,
    55,
)  # similarity, of 100, of an item's title or text before and after an editor changed it
_SAME_TEXT, _OTHER_TEXT = 85, 40  # similarity, of 100, of bodies that agree and that have nothing in common
_TEXT_CHARACTERS = 300  # compared in each body
_TITLE_FROM_TEXT = 120  # characters of text that replace a missing title

_CONTRACTION = re.compile(r"\s?(n)?\s?['’ʼ`]\s?(s|t|re|ve|ll|d|m)\b")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")  # Chinese and Japanese: each character
_STOP = frozenset(
    _WORD.findall(
        "a an and are as at be by for from has have in is it its of on or that the their this to was were will with s "
        "t new now live video photos update updated breaking exclusive report says said"
    )
)
_NEGATION = frozenset(
    _WORD.findall("no not never none without denies deny denied nt cannot cant wont isnt arent false fake")
)


def _numbered(text: str, start: int) -> dict[str, str]:
    return {word: str(number) for number, word in enumerate(_WORD.findall(text), start)}


_CARDINALS = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty",
    0,
)
_NUMBERS = _CARDINALS | _numbered("first second third fourth fifth sixth seventh eighth ninth tenth", 1)
_ROMAN = _numbered("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx", 1)
_DIGITS = re.compile(r"\d+")
_ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|s|e|d)$")
_BRITISH = (
    (re.compile(r"our(?=s?$)"), "or"),
    (re.compile(r"is(?=e|ed|ing|ation)"), "iz"),
    (re.compile(r"tre(?=s?$)"), "ter"),
)


@dataclass(frozen=True, slots=True)
class Folded:
    """The result of folding the incoming articles."""

    new: tuple[Article, ...]  # articles not seen before, in order, each with `copies` = 1
    found: tuple[Copy, ...]  # every copy of a new or recent article

    @property
    def copies(self) -> Mapping[str, int]:
        """How many copies each article id gained, to add to `Article.copies`."""
        return Counter(copy.article_id for copy in self.found)


def to_article(row: ArchiveRow, received_at: datetime) -> Article:
    """Turn a row into an article. A missing title becomes the start of the text; a missing source, the site."""
    title = row.title or shorten(row.text, min(_TITLE_FROM_TEXT, TITLE_CHARACTERS))
    text = row.text if row.title or len(row.text) > len(title) else ""
    source = row.source or site_of(row.url)
    return Article(
        id=identity(title, text, row.url, source, row.published_at),
        title=title,
        text=text,
        url=row.url,
        source=source,
        received_at=received_at,
        published_at=row.published_at,
        image_url=row.image_url,
    )


def identity(title: str, text: str, url: str, source: str, published_at: datetime | None) -> str:
    """Return a key over the canonical URL, or else over title, start of text, source and day (for recurring titles)."""
    if address := canonical_url(url):
        return key("url", address)
    day = published_at.date() if published_at else ""
    return key("text", " ".join(words(title)), " ".join(words(text[:_TEXT_CHARACTERS])), source.casefold(), day)


def separate(incoming: Iterable[Article], known: Mapping[str, Article]) -> list[Article]:
    """Give items that only share a URL ids of their own; return the articles in order.

    A podcast's episodes may all link to its home page, and tickets to the form that they came by. The first item with a URL
    keeps the URL's id, whether it is among the `known` articles or here; an item about something else gets an id by its
    title or, if that is the same, by its text.
    """
    first = dict(known)
    found = []
    for article in incoming:
        holder = first.setdefault(article.id, article)
        if not _same_item(article, holder):
            title = words(article.title)
            content = title if title != words(holder.title) else words(article.text[:_TEXT_CHARACTERS])
            article = replace(article, id=key("item", article.id, " ".join(content)))  # noqa: PLW2901
        found.append(article)
    return found


def _same_item(one: Article, other: Article) -> bool:
    """Return whether two articles with one URL are one item, perhaps edited: alike in title and text, as far as given."""
    titles = fuzz.token_set_ratio(" ".join(words(one.title)), " ".join(words(other.title)))
    texts = [" ".join(words(article.text[:_TEXT_CHARACTERS])) for article in (one, other)]
    alike = fuzz.ratio(*texts) if all(texts) else None
    if alike is not None and alike >= _SAME_TEXT:
        return True
    return titles >= _SAME_TITLE and (alike is None or alike >= _EDITED_TEXT)


def words(title: str) -> tuple[str, ...]:
    """Return a title's words for comparison: case folded, no punctuation, contractions joined.

    >>> words("Trump 's new plan: It’s Café-style!")
    ('trumps', 'new', 'plan', 'its', 'cafe', 'style')
    """
    text = unicodedata.normalize("NFKD", title.casefold())
    text = "".join(c for c in text if not unicodedata.combining(c)) if not text.isascii() else text
    return tuple(_WORD.findall(_CONTRACTION.sub(r"\1\2", text)))


def copy_id(article: Article, again: int = 0) -> str:
    """Return the id of an article's copy once it is folded into another; `again` counts repeats in a batch."""
    return key("copy", article.id, article.source, again)


def copy_ids(incoming: Iterable[Article]) -> list[str]:
    """Return, in order, the copy id of each incoming article."""
    met: dict[tuple[str, str], Iterator[int]] = defaultdict(count)
    return [copy_id(article, next(met[article.id, article.source])) for article in incoming]


def fold(incoming: Sequence[Article], recent: Iterable[Article], known: Container[str] = ()) -> Folded:
    """Fold duplicates among incoming articles, and against recent ones, in order: keep the first.

    The same id from the same source was read again and adds nothing; so do copies whose ids (see `copy_id`) are known,
    even if their article is no longer recent. The same id from another source, or twice in this batch, is a copy, and
    so is a near duplicate.
    """
    stories, known_stories = [_Story(article) for article in incoming], [_Story(article) for article in recent]
    index = _Index(Counter(word for story in (*known_stories, *stories) for word in story.content))
    for story in known_stories:
        index.add(story)
    by_id = {story.article.id: story.article for story in known_stories}
    new: list[Article] = []
    found: list[Copy] = []
    for story, as_copy in zip(stories, copy_ids(incoming), strict=True):
        article = story.article
        if as_copy in known:
            continue
        original = by_id.get(article.id) or index.nearest(story)
        if original is None:
            new.append(article)
            by_id[article.id] = article
            index.add(story)
        elif as_copy != copy_id(article) or (article.id, article.source) != (original.id, original.source):
            found.append(Copy(id=as_copy, article_id=original.id, source=article.source))
    return Folded(tuple(new), tuple(found))


class _Story:
    """An article, and what comparisons need to know about it, computed once."""

    def __init__(self, article: Article) -> None:
        self.article = article
        title = _without_source(words(article.title), article)
        self.words = tuple(_base(word) for word in title)
        self.content = frozenset(self.words) - _STOP_BASES or frozenset(self.words)
        self.numbers = _numbers(title)
        self.negated = bool(_NEGATION.intersection(title))
        # A Chinese or Japanese character counts as three letters.
        characters = sum(len(word) if word[0] < "\u3040" else 3 * len(word) for word in title)
        self.long = len(title) >= _LONG_WORDS and characters >= _LONG_CHARACTERS

    @cached_property
    def text(self) -> str:
        return " ".join(words(self.article.text[:_TEXT_CHARACTERS]))


class _Index:
    """An index of stories by their words.

    If two titles tell the same story, the longer one has all the content words of the shorter one (see `likeness`),
    including its rarest. `frequency` ranks the words; any fixed order would do.
    """

    def __init__(self, frequency: Mapping[str, int]) -> None:
        self._frequency = frequency
        self._by_rarest: dict[str, list[_Story]] = {}
        self._by_any: dict[str, list[_Story]] = {}
        self._order: dict[_Story, int] = {}

    def add(self, story: _Story) -> None:
        self._order[story] = len(self._order)
        self._by_rarest.setdefault(self._rarest(story), []).append(story)
        for word in story.content:
            self._by_any.setdefault(word, []).append(story)

    def nearest(self, story: _Story) -> Article | None:
        """Return the article with the same story and the most similar title, or None; on a tie, the earliest."""
        longer = self._by_any.get(self._rarest(story), [])
        shorter = (other for word in story.content for other in self._by_rarest.get(word, ()))
        score, _, article = max(
            ((likeness(story, other), -self._order[other], other.article) for other in {*longer, *shorter}),
            default=(0.0, 0, None),
            key=lambda found: found[:2],
        )
        return article if score else None

    def _rarest(self, story: _Story) -> str:
        return min(story.content, key=lambda word: (self._frequency[word], word), default="")


def likeness(one: _Story, other: _Story) -> float:
    """Return the similarity of two stories, from 0 (different stories) to 100 (same words, same order).

    Stories differ if their numbers differ, only one is negated, a content word is replaced, they are more than
    three days apart, or their bodies have nothing in common. Short titles must be equal and the bodies must agree:
    "Letters to the editor" appears every week.
    """
    if one.numbers != other.numbers or one.negated != other.negated:
        return 0.0
    dates = one.article.published_at, other.article.published_at
    if dates[0] is not None and dates[1] is not None and abs(dates[0] - dates[1]) > _APART:
        return 0.0
    same = one.words == other.words
    if not (one.long and other.long):
        return 100.0 if same and one.words and one.text and _texts(one, other) >= _SAME_TEXT else 0.0
    if not same and not _same_but_for_details(one.words, other.words):
        return 0.0
    if one.text and other.text and one.article.source == other.article.source and _texts(one, other) < _OTHER_TEXT:
        return 0.0  # the publisher reuses a headline: a column
    return 100.0 if same else fuzz.ratio(" ".join(one.words), " ".join(other.words))


def _same_but_for_details(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two titles differ only in stop words, or in a few extra words of one of them."""
    dropped = added = 0
    for step in Levenshtein.opcodes(one, other):
        here, there = one[step.src_start : step.src_end], other[step.dest_start : step.dest_end]
        if step.tag == "equal":
            continue
        if step.tag == "replace":
            if not _STOP_BASES.issuperset((*here, *there)):
                return False  # a replaced word: "beats France", "beats Greece"
        else:
            dropped += sum(word not in _STOP_BASES for word in here)
            added += sum(word not in _STOP_BASES for word in there)
    return min(dropped, added) == 0 and max(dropped, added) <= min(len(one), len(other)) * _MOST_ADDED


def _base(word: str) -> str:
    """Reduce a word to the base that its inflected, American and British forms share; a number word to digits.

    A stemmer or an edit distance would do too much: they take Niger for Nigeria.

    >>> [_base(word) for word in ("mocks", "mocked", "colours", "color", "centre", "three")]
    ['mock', 'mock', 'color', 'color', 'center', '3']
    """
    if word in _CARDINALS:
        return _CARDINALS[word]
    for british, american in _BRITISH:
        word = british.sub(american, word)
    return _ENDING.sub("", word)


_STOP_BASES = frozenset(map(_base, _STOP))


def _texts(one: _Story, other: _Story) -> float:
    return float(fuzz.ratio(one.text, other.text))


def _numbers(title: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers in a title, sorted, including number words and Roman numerals (except a leading "i")."""
    found = []
    for place, word in enumerate(title):
        digits = _DIGITS.findall(word)
        if digits:
            found += [digit.lstrip("0") or "0" for digit in digits]
        elif word in _NUMBERS:
            found.append(_NUMBERS[word])
        elif word in _ROMAN and place and (len(word) > 1 or place == len(title) - 1):
            found.append(_ROMAN[word])
    return tuple(sorted(found))


def _without_source(title: tuple[str, ...], article: Article) -> tuple[str, ...]:
    """Drop the publisher's name from the end of a title ("… - BBC News")."""
    for tail in (words(article.source), words(article.source.partition(".")[0])):
        if tail and len(title) > len(tail) + _LONG_WORDS and title[-len(tail) :] == tail:
            return title[: -len(tail)]
    return title
