"""Poll many feeds in parallel; each returns articles or a one-sentence error, and no failure stops another feed."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from tierbot.adapters.feeds.fetch import FeedLimits, TurnedAwayError, fetch
from tierbot.adapters.feeds.guard import Network, Resolve, resolve
from tierbot.adapters.feeds.logins import login_for
from tierbot.adapters.feeds.parse import parse_feed
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory, FeedResult

log = logging.getLogger(__name__)


class FeedReader:
    """Reads feeds from the open web. Stateless: callers pass in and store each feed's FeedMemory."""

    def __init__(
        self,
        *,
        limits: FeedLimits | None = None,
        allow: Iterable[Network] = (),
        contact: str = "",
        resolve: Resolve = resolve,
        logins: Path | None = None,
        proxies: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Also permit the networks in `allow`; tell publishers how to `contact` the operator.

        logins: a netrc file, for feeds whose list doesn't give a login. proxies: by scheme, as urllib's getproxies_environment.
        """
        self._limits = limits or FeedLimits()
        self._allow = tuple(allow)
        self._resolve = resolve
        self._logins = logins
        self._proxies = proxies
        self._user_agent = f"tierbot/{version('tierbot')} (feed reader{'; ' + contact if contact else ''})"

    def poll(self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime) -> list[FeedResult]:
        """Read all feeds, limits.workers in parallel; return one result each, in order. A feed's failure never raises.

        `memory` maps addresses to the last poll's FeedMemory. A feed that must wait until after `now` (aware UTC) is
        skipped and returned unchanged.
        """
        if not feeds:
            return []
        workers = min(self._limits.workers, len(feeds))
        with ThreadPoolExecutor(workers, thread_name_prefix="feeds") as pool:
            return list(pool.map(lambda feed: self._result(feed, memory.get(feed.url, FeedMemory()), now), feeds))

    def read(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        """Read one feed. Raises FeedError, one sentence with a remedy, if it can't be read."""
        fetched = fetch(
            feed.url,
            memory,
            limits=self._limits,
            allow=self._allow,
            user_agent=self._user_agent,
            resolve=self._resolve,
            now=now,
            login=feed.login or login_for(feed.url, self._logins),
            proxies=self._proxies,
        )
        moved = (f"has moved permanently; list {fetched.moved_to} instead",) if fetched.moved_to else ()
        if fetched.body is None:
            new = fetched.memory
            kept = FeedMemory(new.etag or memory.etag, new.last_modified or memory.last_modified)
            return FeedResult(feed, (), kept, notes=moved, unchanged=True)
        parsed = parse_feed(
            fetched.body,
            feed=feed,
            url=fetched.url,
            content_type=fetched.content_type,
            entries=self._limits.entries,
            now=now,
        )
        return FeedResult(feed, parsed.articles, fetched.memory, notes=moved + parsed.notes)

    def _result(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        if memory.not_before is not None and memory.not_before > now:
            return FeedResult(feed, (), memory, unchanged=True)
        try:
            return self.read(feed, memory, now)
        except FeedError as fault:
            wait = fault.wait if isinstance(fault, TurnedAwayError) else None
            problem = f"{feed.url}: {fault}"
        except Exception as fault:
            # A bug that one feed triggers must not stop the others.
            log.exception("Feed %s caused an unexpected error.", feed.url)
            wait = None
            problem = f"{feed.url}: could not be read ({type(fault).__name__}: {str(fault)[:100]}). Please report this."
        return FeedResult(feed, (), memory.failed(now, wait), problem=problem)
