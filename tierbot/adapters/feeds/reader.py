"""Polling many feeds at once: each gives articles or one plain sentence of what is wrong; none stops another."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version

from tierbot.adapters.feeds.fetch import TurnedAwayError, fetch
from tierbot.adapters.feeds.guard import Network, Resolve, resolve
from tierbot.adapters.feeds.limits import FeedLimits
from tierbot.adapters.feeds.parse import parse_feed
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory, FeedResult

log = logging.getLogger(__name__)


class FeedReader:
    """Reads feeds from the open web. Keeps nothing: what is to be remembered goes in and out as FeedMemory."""

    def __init__(
        self,
        *,
        limits: FeedLimits | None = None,
        allow: Iterable[Network] = (),
        contact: str = "",
        resolve: Resolve = resolve,
    ) -> None:
        """`allow`: networks permitted besides the open web. `contact`: how publishers can reach the operator."""
        self._limits = limits or FeedLimits()
        self._allow = tuple(allow)
        self._resolve = resolve
        self._user_agent = f"tierbot/{version('tierbot')} (feed reader{'; ' + contact if contact else ''})"

    def poll(self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime) -> list[FeedResult]:
        """Read all feeds, limits.workers at once; one result for each, in their order. Never raises for a feed's fault.

        `memory` maps addresses to what was kept of the last poll; a feed that is to be left alone until
        after `now` (aware UTC) is not asked and comes back unchanged.
        """
        if not feeds:
            return []
        workers = min(self._limits.workers, len(feeds))
        with ThreadPoolExecutor(workers, thread_name_prefix="feeds") as pool:
            return list(pool.map(lambda feed: self._result(feed, memory.get(feed.url, FeedMemory()), now), feeds))

    def read(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        """Read one feed. Raises FeedError, one sentence with its remedy, if it cannot be read."""
        fetched = fetch(
            feed.url,
            memory,
            limits=self._limits,
            allow=self._allow,
            user_agent=self._user_agent,
            resolve=self._resolve,
            now=now,
        )
        moved = (f"has moved for good; list {fetched.moved_to} instead",) if fetched.moved_to else ()
        if fetched.body is None:
            kept = FeedMemory(fetched.etag or memory.etag, fetched.last_modified or memory.last_modified)
            return FeedResult(feed, (), kept, notes=moved, unchanged=True)
        parsed = parse_feed(
            fetched.body,
            feed=feed,
            url=fetched.url,
            content_type=fetched.content_type,
            entries=self._limits.entries,
            now=now,
        )
        return FeedResult(
            feed, parsed.articles, FeedMemory(fetched.etag, fetched.last_modified), notes=moved + parsed.notes
        )

    def _result(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        if memory.not_before is not None and memory.not_before > now:
            return FeedResult(feed, (), memory, unchanged=True)
        try:
            return self.read(feed, memory, now)
        except FeedError as fault:
            wait = fault.wait if isinstance(fault, TurnedAwayError) else None
            problem = f"{feed.url}: {fault}"
        except Exception as fault:
            # A fault of our own or of a library, met by one feed, must not stop the others.
            log.exception("Feed %s met a fault that nobody foresaw.", feed.url)
            wait = None
            problem = f"{feed.url}: could not be read ({type(fault).__name__}: {str(fault)[:100]}). Please report this."
        return FeedResult(feed, (), memory.failed(now, wait), problem=problem)
