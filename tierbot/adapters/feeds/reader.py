"""Poll many feeds in parallel; each returns articles or a one-sentence error, and no failure stops another feed."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from tierbot.adapters.feeds.fetch import FeedLimits, TurnedAwayError, fetch
from tierbot.adapters.feeds.guard import Network, Resolve, resolve
from tierbot.adapters.feeds.logins import login_for
from tierbot.adapters.feeds.parsers import CostlyFeedError, Parse, Parsers, Parsing
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory, FeedResult

log = logging.getLogger(__name__)

_TOGETHER = 5.0  # seconds; results that arrive within this time are returned together


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
        parsing: Parsing | None = None,
    ) -> None:
        """Also permit the networks in `allow`; tell publishers how to `contact` the operator.

        logins: a netrc file, for feeds whose list doesn't give a login. proxies: by scheme, as urllib's getproxies_environment.
        parsing: how to parse; None: in child processes, within the limits.
        """
        self._limits = limits or FeedLimits()
        self._parsing = parsing or Parsers(self._limits)
        self._allow = tuple(allow)
        self._resolve = resolve
        self._logins = logins
        self._proxies = proxies
        self._user_agent = f"tierbot/{version('tierbot')} (feed reader{'; ' + contact if contact else ''})"

    def poll(
        self, feeds: Sequence[Feed], memory: Mapping[str, FeedMemory], now: datetime
    ) -> Iterator[list[FeedResult]]:
        """Read all feeds, limits.workers in parallel; yield a result for each, some at a time, as they arrive.

        A feed's failure never raises. `memory` maps addresses to the last poll's FeedMemory. A feed that must wait until
        after `now` (aware UTC) is skipped and returned unchanged.
        """
        if not feeds:
            return
        workers = min(self._limits.workers, len(feeds))
        with self._parsing() as parse, ThreadPoolExecutor(workers, thread_name_prefix="feeds") as pool:
            places = {
                pool.submit(self._result, parse, feed, memory.get(feed.url, FeedMemory()), now): place
                for place, feed in enumerate(feeds)
            }
            left = set(places)
            try:
                while left:
                    done, left = wait(left, _TOGETHER)
                    if done:
                        yield [future.result() for future in sorted(done, key=places.__getitem__)]
            finally:
                for future in left:
                    future.cancel()

    def read(self, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        """Read one feed. Raises FeedError, one sentence with a remedy, if it can't be read."""
        with self._parsing() as parse:
            return self._read(parse, feed, memory, now)

    def _read(self, parse: Parse, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
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
        parsed = parse(
            fetched.body,
            feed=feed,
            url=fetched.url,
            content_type=fetched.content_type,
            entries=self._limits.entries,
            now=now,
        )
        return FeedResult(feed, parsed.articles, fetched.memory, notes=moved + parsed.notes)

    def _result(self, parse: Parse, feed: Feed, memory: FeedMemory, now: datetime) -> FeedResult:
        if memory.waits(now):
            return FeedResult(feed, (), memory, unchanged=True)
        try:
            return self._read(parse, feed, memory, now)
        except FeedError as fault:
            pause = fault.wait if isinstance(fault, TurnedAwayError) else None
            costly = isinstance(fault, CostlyFeedError)
            problem = f"{feed.url}: {fault}"
        except Exception as fault:
            # A bug that one feed triggers must not stop the others.
            log.exception("Feed %s caused an unexpected error.", feed.url)
            pause, costly = None, False
            problem = f"{feed.url}: could not be read ({type(fault).__name__}: {str(fault)[:100]}). Please report this."
        return FeedResult(feed, (), memory.failed(now, pause, costly=costly), problem=problem)
