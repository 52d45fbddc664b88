"""How our reader and feedparser read the same feeds: entries lost; titles, links and dates that differ, each by its kind.

    python -m tests.benchmarks.feed_corpora FOLDER… [--show KIND]

Made for the test feeds of feed readers (feedparser, gofeed, rome, feed-rs, reader …), which are not shipped with tierbot: clone those
and give their folders. A file counts if feedparser finds entries in it. Kinds marked with * are to be looked at; every other kind is
a difference that is meant, and its name says why.
"""

import argparse
import calendar
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import feedparser  # type: ignore[import-untyped]

from tierbot.adapters.feeds.parse import parse_feed
from tierbot.domain.articles.cleaning import TITLE_CHARACTERS, clean
from tierbot.domain.articles.feeds import Feed, FeedError
from tierbot.domain.articles.urls import clean_url
from tierbot.domain.nouns import Article

NOW = datetime.now(UTC)
ADDRESS = "http://127.0.0.1:8097/feed.xml"
_HEADER = re.compile(rb"^(?:Header|header):\s*content-type\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_FIGURES = ("files", "entries", "lost", "titles", "links", "dates")


@dataclass
class Tally:
    """What the comparison of some files came to."""

    figures: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, what: str, kind: str, path: Path, ours: object, theirs: object) -> None:
        """Count a difference of a kind."""
        self.figures[what] += 1
        self.kinds[what, kind] += 1
        self.examples[what, kind].append(f"{path}\n      ours   {ours!r:.160}\n      theirs {theirs!r:.160}")


def main() -> None:
    """Compare, and print a table and the kinds of the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--show", default="*", help="show all differences of the kinds with this text in their name")
    given = parser.parse_args()
    every = Tally()
    print(f"{'':32}" + "".join(f"{name:>9}" for name in _FIGURES))
    for folder in given.folders:
        tally = Tally()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            compare(path, tally)
        print(f"{folder.name[:31]:32}" + "".join(f"{tally.figures[name]:9}" for name in _FIGURES))
        every.figures += tally.figures
        every.kinds += tally.kinds
        for kind, examples in tally.examples.items():
            every.examples[kind] += examples
    print(f"{'all':32}" + "".join(f"{every.figures[name]:9}" for name in _FIGURES) + "\n")
    for (what, kind), count in every.kinds.most_common():
        print(f"{count:6}  {what:7} {kind}")
        if given.show in kind:
            print("".join(f"    {example}\n" for example in every.examples[what, kind]), end="")


def compare(path: Path, tally: Tally) -> None:
    """Read a file in both ways, and note what differs."""
    body = path.read_bytes()
    header = _HEADER.search(body[:2000])
    kind = header[1].decode("latin-1") if header else "application/xml"
    try:
        theirs = feedparser.parse(
            io.BytesIO(body), response_headers={"content-type": kind, "content-location": ADDRESS}
        )
    except Exception:  # noqa: BLE001 - theirs, not ours
        return
    entries = [entry for entry in theirs.get("entries", []) if title_of(entry) or text_of(entry)]
    if not entries:
        return
    tally.figures["files"] += 1
    tally.figures["entries"] += len(entries)
    try:
        parsed = parse_feed(body, feed=Feed(ADDRESS), url=ADDRESS, content_type=kind, entries=100_000, now=NOW).articles
    except FeedError as fault:
        refused = "an entity that refers to others or to a file" if "<!ENTITY" in str(fault) else f"* {fault}"
        for entry in entries:
            tally.note("lost", refused, path, None, title_of(entry))
        return
    for entry, article in aligned(entries, parsed):
        if article is None:
            tally.note("lost", "* missing", path, [one.title for one in parsed], title_of(entry))
            continue
        for what, differs in (("titles", title_differs), ("links", link_differs), ("dates", date_differs)):
            found = differs(entry, article)
            if found:
                tally.note(what, found[0], path, *found[1:])


def aligned(entries: list[Any], articles: tuple[Article, ...]) -> Iterator[tuple[Any, Article | None]]:
    """Yield each of their entries with the article that it became."""
    if len(articles) == len(entries):
        yield from zip(entries, articles, strict=True)
        return
    left = list(articles)
    for entry in entries:
        wanted = title_of(entry) or text_of(entry)[:TITLE_CHARACTERS]
        best = max(left, key=lambda one: SequenceMatcher(None, one.title, wanted).ratio(), default=None)
        if best is not None:
            left.remove(best)
        yield entry, best


def title_of(entry: Any) -> str:
    """Return feedparser's title as plain text."""
    return plain(entry.get("title", ""), entry.get("title_detail"), TITLE_CHARACTERS)


def text_of(entry: Any) -> str:
    """Return feedparser's summary or content as plain text."""
    content: dict[str, Any] = next((part for part in entry.get("content", []) if part.get("value")), {})
    return plain(entry.get("summary") or content.get("value", ""), entry.get("summary_detail") or content, 5000)


def plain(value: str, detail: Any, most: int) -> str:
    """Return a text that is HTML if feedparser says so."""
    return clean(
        value, most, markup=True if (detail or {}).get("type") in {"text/html", "application/xhtml+xml"} else None
    )


def title_differs(entry: Any, article: Article) -> tuple[str, object, object] | None:
    """Return the kind of a title's difference, ours and theirs; None without any."""
    ours, theirs = article.title, title_of(entry)
    if ours == theirs or not theirs:
        return None
    raw, known = entry.get("title", ""), squeezed(theirs)
    kinds = {
        "spaces or markup that the format says is text": squeezed(ours) in {known, squeezed(raw)},
        "theirs is mojibake": "\ufffd" in theirs or mangled(theirs) or misread(ours, theirs),
        "characters that don't exist are marked as such": "\ufffd" in ours,
        "text that theirs drops": known and known in squeezed(ours),
        "scripts that theirs leaves": "<script" in raw.lower() or "function" in theirs,
    }
    return (next((kind for kind, applies in kinds.items() if applies), "* title"), ours, theirs)


def squeezed(text: str) -> str:
    """Return a text's letters and digits, composed."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def mangled(text: str) -> bool:
    """Return whether a text is UTF-8 read as something else."""
    try:
        return bool(text.encode("cp1252").decode("utf-8") != text)
    except UnicodeError:
        return False


def misread(ours: str, theirs: str) -> bool:
    """Return whether their text is ours in an East Asian or Cyrillic encoding, read as a Western one."""
    if ours.isascii():
        return False
    for written in ("euc-jp", "cp932", "cp949", "gb18030", "koi8-r", "big5"):
        for read in ("cp1252", "latin-1", "iso8859-2", "cp1250"):
            mojibake = ours.encode(written, errors="replace").decode(read, errors="replace")
            if SequenceMatcher(None, squeezed(mojibake), squeezed(theirs)).ratio() > 0.7:
                return True
    return False


def link_differs(entry: Any, article: Article) -> tuple[str, object, object] | None:
    """Return the kind of a link's difference, ours and theirs; None without any."""
    given = entry.get("feedburner_origlink") or entry.get("link") or ""
    theirs, ours = clean_url(urljoin(ADDRESS, given)) if given else "", article.url
    if ours == theirs:
        return None
    if not given:
        return ("the id is an address", ours, entry.get("id"))
    if not theirs:
        return ("theirs can't be linked safely", ours, given)
    if article.url == clean_url(given.strip()):
        return ("relative, to nothing known", ours, given)
    return ("* link", ours, given)


def date_differs(entry: Any, article: Article) -> tuple[str, object, object] | None:
    """Return the kind of a date's difference, ours and theirs; None without any."""
    parsed = next(
        (entry[f"{name}_parsed"] for name in ("published", "updated", "created") if entry.get(f"{name}_parsed")), None
    )
    raw = entry.get("published") or entry.get("updated") or entry.get("created")
    ours = article.published_at
    try:
        theirs = parsed and datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=calendar.timegm(parsed))
    except (OverflowError, ValueError):
        theirs = None
    if ours == theirs or (ours and theirs and abs(ours - theirs) < timedelta(seconds=1)):
        return None
    if ours and theirs and re.search(r"\d\s*pm|\d\s*am", str(raw), re.IGNORECASE):
        return ("theirs drops AM, PM and what follows", f"{ours} of {raw}", theirs)
    if theirs is None:
        return ("only ours is read", ours, raw)
    if ours is None:
        if theirs > NOW or theirs < datetime(1900, 1, 1, tzinfo=UTC) or not theirs.timestamp():
            return ("theirs is no plausible date", raw, theirs)
        return ("* date that only theirs is", raw, theirs)
    return ("* date", f"{ours} of {raw}", theirs)


if __name__ == "__main__":
    main()
