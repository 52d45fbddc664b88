"""Parse feeds in child processes that the system ends if a feed takes too much processor time or memory.

Children live as long as some poll needs them and serve one feed after another. One poll uses two at most, so a costly feed
doesn't keep the workspace's other feeds waiting; a third child is left for other workspaces.
"""

import logging
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO, cast

from tierbot.adapters.child_environment import child_environment
from tierbot.adapters.feeds.fetch import FeedLimits
from tierbot.adapters.feeds.parse import Parsed
from tierbot.adapters.feeds.parsing_child import OUT_OF_MEMORY, parsed_of, receive, request_of, send
from tierbot.domain.articles.feeds import Feed, FeedError

log = logging.getLogger(__name__)

Parse = Callable[..., Parsed]
"""`parse_feed`, or something with its arguments, result and errors."""

Parsing = Callable[[], AbstractContextManager[Parse]]
"""Returns a context in which a poll may parse."""

_AT_ONCE = 3  # children
_AT_ONCE_IN_A_POLL = 2
_MOST_PARSED = 500  # feeds in one child
_PATIENCE = 6  # seconds of the clock for a second of processor time: the machine may be busy
_START_SECONDS = 60.0
_SAID = 500  # characters of a child's error


class CostlyFeedError(FeedError):
    """A feed exceeds the limits of a child process, or crashes it."""


class Parsers:
    """Child processes that parse feeds, for all polls of this process."""

    def __init__(self, limits: FeedLimits) -> None:
        """Start nothing yet; the limits are those of one feed."""
        self._limits = limits
        self._free = threading.Semaphore(_AT_ONCE)
        self._guard = threading.Lock()
        self._polls = 0
        self._idle: list[_Child] = []

    @contextmanager
    def __call__(self) -> Iterator[Parse]:
        """Yield a `parse_feed` for one poll, which may be called in several threads; at the last poll's end, end the children."""
        with self._guard:
            self._polls += 1
        try:
            yield partial(self._parse, threading.Semaphore(_AT_ONCE_IN_A_POLL))
        finally:
            with self._guard:
                self._polls -= 1
                ended, self._idle = ([], self._idle) if self._polls else (self._idle, [])
            for child in ended:
                child.end()

    def _parse(self, turn: threading.Semaphore, body: bytes, *, feed: Feed, **rest: Any) -> Parsed:
        """Parse a feed; see parse_feed. Raises CostlyFeedError for one that exceeds its limits or crashes the parser."""
        with turn, self._free:
            child = self._child()
            try:
                answer = child.parse(request_of(feed, **rest), body)
            except BaseException:
                child.end()
                raise
            with self._guard:
                self._idle.append(child)
        if "fault" in answer:
            raise FeedError(answer["fault"])
        if "error" in answer:
            log.error("Feed %s caused an unexpected error.\n%s", feed.url, answer["traceback"])
            raise FeedError(f"could not be read ({answer['error']}). Please report this.")
        return parsed_of(answer)

    def _child(self) -> "_Child":
        """Return an idle child, or a new one. Raises FeedError if none starts."""
        with self._guard:
            idle = self._idle.pop() if self._idle else None
        if idle is None or idle.usable:
            return idle or _Child(self._limits)
        idle.end()
        return _Child(self._limits)


class _Child:
    """One child process."""

    def __init__(self, limits: FeedLimits) -> None:
        """Start it. Raises FeedError if it doesn't start."""
        self._limits = limits
        self._late = False
        self._parsed = 0
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        command = [sys.executable, "-m", "tierbot.adapters.feeds.parsing_child"]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(limits.processor), str(limits.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=child_environment(),  # it reads hostile input
            start_new_session=True,  # Ctrl-C is for the bot, whose end ends its children
        )
        self._requests, self._answers = (
            cast("BinaryIO", stream) for stream in (self._process.stdin, self._process.stdout)
        )
        try:
            with self._killed_after(_START_SECONDS):
                receive(self._answers)
        except EOFError as fault:
            why = self._error(self._process.wait())
            self.end()
            raise why from fault

    @property
    def usable(self) -> bool:
        """Whether it can parse another feed, without much that it has accumulated from earlier ones."""
        return self._parsed < _MOST_PARSED and self._process.poll() is None

    def parse(self, request: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        """Return its answer. Raises CostlyFeedError if it doesn't survive the feed."""
        self._parsed += 1
        try:
            with self._killed_after(self._limits.processor * _PATIENCE):
                with suppress(BrokenPipeError):  # its exit status tells more
                    send(self._requests, request, body)
                answer, _ = receive(self._answers)
        except EOFError as fault:
            raise self._error(self._process.wait()) from fault
        return answer

    def _error(self, status: int) -> FeedError:
        """Return the error for a feed that ended the child with this exit status."""
        limits = self._limits
        if status == OUT_OF_MEMORY:
            what = f"takes more than {limits.memory / 2**20:.0f} MB of memory to read"
        elif self._late:
            what = f"takes more than {limits.processor * _PATIENCE:g} s to read"
        elif status == -getattr(signal, "SIGPROF", 0):
            what = f"takes more than {limits.processor:g} s of processor time to read"
        elif status < 0:
            what = f"crashes the process that reads it (signal {-status})"
        else:
            self._said.seek(0)
            log.error("The process that reads feeds failed: %s", self._said.read().decode(errors="replace")[-_SAID:])
            return FeedError("could not be read, because the process that reads feeds failed. The log says why.")
        return CostlyFeedError(f"{what}. Remove it, or tell its publisher.")

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._kill)
        timer.name = "feeds-limit"
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _kill(self) -> None:
        self._late = True
        self._process.kill()

    def end(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._said.close()
