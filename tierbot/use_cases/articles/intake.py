"""Takes in articles from files and feeds, folds duplicates, and embeds each article once.

Fetching, comparing and encoding happen outside of transactions. A feed's articles and its state are written together, so a
poll is either stored or repeated; both are idempotent.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from tierbot.domain.articles.duplicates import Folded, copy_ids, fold, separate
from tierbot.domain.articles.feeds import Feed, FeedFileError, FeedResult, ListedBy, ListedFeed
from tierbot.domain.articles.logins import masked
from tierbot.domain.articles.urls import canonical_url
from tierbot.domain.nouns import Article, Copy, TierbotError
from tierbot.use_cases.articles.embedding import AT_ONCE, embed
from tierbot.use_cases.ports import Clock, Encoder, Feeds, Store, Transaction

log = logging.getLogger(__name__)

_FEED_BATCH = 100  # feeds read before their articles are written
_DUPLICATE_WINDOW = timedelta(days=14)
_DUPLICATE_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Polled:
    """The result of reading the feeds. `problems` has a sentence for each broken feed."""

    feeds: int
    new: int
    copies: int
    problems: tuple[str, ...]


@dataclass(eq=False)
class Intake:
    """Takes articles in, for any workspace. `read_file` reads the list of feeds from `file`; None: no feeds."""

    store: Store
    feed_reader: Feeds
    encoder: Encoder
    clock: Clock
    file: Path | None
    read_file: Callable[[Path | None], Collection[Feed]]

    def take_in(self, workspace: str, articles: Sequence[Article]) -> tuple[int, int]:
        """Store incoming articles, duplicates folded; return (new articles, copies folded)."""
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            _, folded = _folded(tx, articles, now)
            return tx.articles.add(folded.new), tx.articles.add_copies(folded.found)

    def embed(self, workspace: str, most: int | None = None) -> int:
        """Compute and store missing embeddings, for the newest `most` articles (None: all); return how many."""
        done = 0
        while most is None or done < most:
            with self.store.read(workspace) as tx:
                few = AT_ONCE if most is None else min(AT_ONCE, most - done)
                missing = tx.articles.without_embedding(self.encoder.digest, few)
            if not missing:
                break
            done += len(embed(self.store, self.encoder, workspace, missing))
        return done

    # --- feeds ------------------------------------------------------------------------------------

    def poll(self, workspace: str) -> Polled:
        """Read every listed feed that is due and store what is new, or a broken feed's problem."""
        by_file = self._follow_file(workspace)
        now = self.clock.now()
        with self.store.read(workspace) as tx:
            listed = tx.feeds.all()
        due = [one for one in listed if not one.memory.waits(now)]
        due.sort(key=lambda one: one.memory.failures)  # no other feed waits for one that is known to be broken
        new = copies = 0
        problems: list[str] = []
        for start in range(0, len(due), _FEED_BATCH):
            batch = due[start : start + _FEED_BATCH]
            feeds = [by_file.get(one.feed.url, one.feed) for one in batch]  # logins are in the file only
            for results in self.feed_reader.poll(feeds, {one.feed.url: one.memory for one in batch}, now):
                problems += _problems(results, now)
                added, folded = self._keep(workspace, results, now)
                new, copies = new + added, copies + folded
        if due:
            log.info(
                "Feeds read: %d. New articles: %d, copies: %d, broken feeds: %d", len(due), new, copies, len(problems)
            )
        return Polled(len(due), new, copies, tuple(problems))

    def _keep(self, workspace: str, results: Sequence[FeedResult], now: datetime) -> tuple[int, int]:
        """Write the results, one transaction per feed; return (new articles, copies).

        Folding 10,000 stories takes seconds, too long for a transaction. Articles that meanwhile arrive from elsewhere
        are recognized by id only, so a near duplicate among them is not folded.
        """
        articles = [article for result in results for article in result.articles]
        with self.store.read(workspace) as tx:
            separated, folded = _folded(tx, articles, now)
        new = copies = 0
        counts = [len(result.articles) for result in results]
        for result, (fresh, found, carried, listed) in zip(results, _by_feed(separated, counts, folded), strict=True):
            with self.store.begin(workspace) as tx:
                added = tx.articles.add(replace(article, feeds=(result.feed.url,)) for article in fresh)
                copies += tx.articles.add_copies(found)
                tx.articles.carried_by(result.feed.url, carried)
                tx.feeds.polled(result, now, added)
                if not result.unchanged and not result.problem:
                    tx.feeds.lists(result.feed.url, listed)
            new += added
        return new, copies

    def _follow_file(self, workspace: str) -> Mapping[str, Feed]:
        """Make the list match the feeds file, and return its feeds by URL; if it can't be used, log that and change nothing."""
        try:
            wanted = {feed.url: feed for feed in self.read_file(self.file)}
        except FeedFileError as fault:
            log.warning("%s The feeds listed before stay in use.", fault)
            return {}
        with self.store.read(workspace) as tx:
            listed = {one.feed.url: one for one in tx.feeds.all()}
        followed = {url: one.feed for url, one in listed.items() if one.by is ListedBy.FILE}
        if all(url in listed for url in wanted) and all(wanted.get(url) == feed for url, feed in followed.items()):
            return wanted
        with self.store.begin(workspace) as tx:
            tx.feeds.remove(followed.keys() - wanted.keys())
            tx.feeds.add(wanted.values(), ListedBy.FILE)
            for url in followed.keys() & wanted.keys():
                tx.feeds.rename(url, wanted[url].name)
        return wanted

    def feeds(self, workspace: str) -> list[ListedFeed]:
        """Return the listed feeds, after reading the feeds file, and how their last polls went."""
        self._follow_file(workspace)
        with self.store.read(workspace) as tx:
            return tx.feeds.all()

    def add_feeds(self, workspace: str, feeds: Sequence[Feed]) -> int:
        """Add feeds to the list and have them read soon; return how many were new."""
        self._follow_file(workspace)
        with self.store.begin(workspace) as tx:
            listed = {canonical_url(one.feed.url) for one in tx.feeds.all()}
            added = tx.feeds.add([feed for feed in feeds if canonical_url(feed.url) not in listed], ListedBy.PEOPLE)
            if added:
                tx.agenda.plan("poll", self.clock.now())
        return added

    def remove_feed(self, workspace: str, url: str) -> None:
        """Remove a feed from the list; its articles stay. Raises TierbotError if it is not listed, or is in the feeds file."""
        with self.store.begin(workspace) as tx:
            found = [one for one in tx.feeds.all() if canonical_url(one.feed.url) == canonical_url(url)]
            if not found:
                raise TierbotError(f"{masked(url)} is not on the list. `tierbot feeds list` shows what is.")
            if found[0].by is ListedBy.FILE:
                raise TierbotError(f"{masked(url)} is in {self.file}. Remove it there.")
            tx.feeds.remove([one.feed.url for one in found])


def _problems(results: Iterable[FeedResult], now: datetime) -> list[str]:
    """Log and return what is wrong with the broken feeds."""
    problems = []
    for result in results:
        if result.problem:
            minutes = round(((result.memory.not_before or now) - now).total_seconds() / 60)
            log.warning("Feed %s tierbot will retry in %d minutes.", result.problem, minutes)
            problems.append(result.problem)
    return problems


def _folded(tx: Transaction, incoming: Sequence[Article], now: datetime) -> tuple[Sequence[Article], Folded]:
    """Separate items that share a URL; fold duplicates among them and against stored ones: recent by text, older by id."""
    recent = tx.articles.recent(now - _DUPLICATE_WINDOW, _DUPLICATE_LIMIT)
    there = {article.id: article for article in recent}
    there |= tx.articles.get(article.id for article in incoming if article.id not in there)
    articles = separate(incoming, there)
    there |= tx.articles.get(article.id for article in articles if article.id not in there)
    return articles, fold(articles, there.values(), tx.articles.known_copies(copy_ids(articles)))


def _by_feed(
    articles: Sequence[Article], counts: Sequence[int], folded: Folded
) -> Iterator[tuple[list[Article], list[Copy], set[str], set[str]]]:
    """Yield each feed's new articles, its copies, the ids of the older articles that it carries, and all its items' ids.

    counts: how many articles each feed has. An original comes before its copies.
    """
    new = {article.id: article for article in folded.new}
    copies = {copy.id: copy for copy in folded.found}
    left, names = iter(articles), iter(copy_ids(articles))
    for count in counts:
        every = list(islice(left, count))
        fresh = [new.pop(article.id) for article in every if article.id in new]
        own = list(islice(names, count))
        found = [copies.pop(name) for name in own if name in copies]
        carried = {article.id for article in every} | {copy.article_id for copy in found}
        yield fresh, found, carried - {article.id for article in fresh}, carried.union(own)
