"""A real HTTP server on the local machine that serves feeds in every state they come in."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

import pytest

from tierbot.adapters.feeds.fetch import FeedLimits
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.parse import parse_feed
from tierbot.adapters.feeds.parsers import Parse
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory, FeedResult

Answer = Callable[["Handler"], None]

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><rss version="2.0"><channel><item><title>&lol3;</title></item></channel></rss>"""


class Handler(BaseHTTPRequestHandler):
    """Answers by path; what it was asked is kept in the server's `asked`."""

    server: "FeedServer"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer; a client that hangs up is the point of some tests."""
        self.server.asked.append((self.path, dict(self.headers)))
        self.close_connection = True
        answer = self.server.answers.get(self.path)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if answer is None:
                self.give(b"nothing here", status=404, kind="text/plain")
            else:
                answer(self)

    def do_CONNECT(self) -> None:
        """Answer as a proxy that lets nobody through; what it was asked is kept, too."""
        self.server.asked.append((self.path, dict(self.headers)))
        self.give(b"", status=403)

    def give(self, body: bytes, *, status: int = 200, kind: str = "application/rss+xml", **headers: str) -> None:
        """Send a whole response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class FeedServer(ThreadingHTTPServer):
    """`answers` maps paths to what answers them; `released` is set when the test is over."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self, path: str, body: bytes | str, **headers: Any) -> str:
        """Answer `path` with a body; return its address."""
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = lambda handler: handler.give(data, **headers)
        return self.url + path

    def serve_raw(self, path: str, data: bytes) -> None:
        """Answer `path` with these bytes and nothing else."""

        def answer(handler: Handler) -> None:
            handler.wfile.write(data)

        self.answers[path] = answer

    def hang(self, path: str) -> None:
        """Take requests for `path` and never answer."""

        def answer(_: Handler) -> None:
            self.released.wait(30)

        self.answers[path] = answer

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        """Redirect `path`; return its address."""
        self.answers[path] = lambda handler: handler.give(b"", status=status, Location=to)
        return self.url + path

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        """Say nothing: clients that hang up are the point."""


@contextmanager
def serving() -> Iterator[FeedServer]:
    """Yield a server of feeds that is running."""
    with FeedServer() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.released.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as made:
        yield made


def rss(*items: str, title: str = "Example News") -> str:
    """Return an RSS feed of the given items' inner XML."""
    listed = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{listed}</channel></rss>'


ITEM = "<title>A story</title><link>https://e.com/1</link><description>Words.</description>"


def in_process() -> nullcontext[Parse]:
    """Parse without child processes, where a test isn't about them."""
    return nullcontext(parse_feed)


def reader(**limits: float) -> FeedReader:
    given = FeedLimits(**{"seconds": 10.0, **limits})  # type: ignore[arg-type]
    return FeedReader(limits=given, allow=LOOPBACK, parsing=in_process)


def poll(
    read_by: FeedReader,
    feeds: Sequence[Feed],
    memory: Mapping[str, FeedMemory] = MappingProxyType({}),
    now: datetime = NOW,
) -> list[FeedResult]:
    """Return the results of a poll in the order of the feeds."""
    results = {result.feed: result for part in read_by.poll(feeds, memory, now) for result in part}
    return [results[feed] for feed in feeds]


def read(url: str, memory: FeedMemory = FeedMemory(), **limits: float) -> FeedResult:  # noqa: B008 - frozen
    return reader(**limits).read(Feed(url), memory, NOW)


def fault(url: str, **limits: float) -> str:
    with pytest.raises(FeedError) as raised:
        reader(**limits).read(Feed(url), FeedMemory(), NOW)
    return str(raised.value)
