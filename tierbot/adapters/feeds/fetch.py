"""One guarded GET: the bytes of a feed, within size and time, through redirects that are each checked."""

import ssl
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import cast

import httpcore
import httpx

from tierbot.adapters.feeds.guard import GuardedBackend, Network, Resolve
from tierbot.adapters.feeds.limits import FeedLimits
from tierbot.domain.articles.feeds import FeedError, FeedMemory

_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
_LONGEST_VALIDATOR = 300  # characters of an ETag that are kept
_HTTP_OK, _NOT_MODIFIED = 200, 304


class TurnedAwayError(FeedError):
    """The server answers, but with no feed; `wait` is the pause that it asks for, if it does."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server sent. `body` is None where nothing is new; `moved_to` is set if the feed moved for good."""

    body: bytes | None
    url: str
    content_type: str
    etag: str
    last_modified: str
    moved_to: str | None


class _Transport(httpx.BaseTransport):
    """httpx over httpcore's pool with our own network backend (httpx offers no setting for it)."""

    def __init__(self, backend: GuardedBackend) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=backend, max_connections=2)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, extensions=request.extensions)
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reads the root certificates: 20 ms, once


def fetch(
    url: str,
    memory: FeedMemory,
    *,
    limits: FeedLimits,
    allow: tuple[Network, ...],
    user_agent: str,
    resolve: Resolve,
    now: datetime,
) -> Fetched:
    """Get a feed's bytes, asking only for what is new since `memory`.

    Raises FeedError (TurnedAwayError for an answer that is no feed) with one sentence and its remedy; never
    reads beyond limits.size bytes nor limits.seconds. `now` (aware UTC) is for "Retry-After" dates.
    """
    headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
    if memory.etag:
        headers["If-None-Match"] = memory.etag
    if memory.last_modified:
        headers["If-Modified-Since"] = memory.last_modified
    backend = GuardedBackend(seconds=limits.seconds, allow=allow, resolve=resolve)
    try:
        with httpx.Client(transport=_Transport(backend), headers=headers, timeout=None, trust_env=False) as client:  # noqa: S113 - the backend's deadline bounds everything
            return _follow(client, client.build_request("GET", url), limits, now)
    except (httpx.TimeoutException, httpcore.TimeoutException) as fault:
        raise FeedError(
            f"did not answer in full within {limits.seconds:g} s. It is tried again later; remove it if it stays slow."
        ) from fault
    except (httpcore.ConnectError, httpcore.NetworkError) as fault:
        raise FeedError(_why_unreachable(fault)) from fault
    except (httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol, httpx.InvalidURL) as fault:
        raise FeedError("leads to an address that is not http or https. Find the feed's present address.") from fault
    except (httpx.HTTPError, httpcore.ProtocolError) as fault:
        raise FeedError(f"broke off or does not speak HTTP ({fault}). It is tried again later.") from fault


def _follow(client: httpx.Client, request: httpx.Request, limits: FeedLimits, now: datetime) -> Fetched:
    """Send a request and follow its redirects, one by one, at most limits.redirects."""
    moved_to: str | None = None
    for_good = True
    for _ in range(limits.redirects + 1):
        with closing(client.send(request, stream=True, follow_redirects=False)) as response:
            if response.next_request is None:
                return _received(response, limits, moved_to, now)
            for_good = for_good and response.status_code in {301, 308}
            request = response.next_request
        if request.url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(request.url.scheme)
        moved_to = str(request.url) if for_good else moved_to
    raise FeedError(
        f"redirects more than {limits.redirects} times, or in a circle. Open it in a browser and list the address it ends at."
    )


def _received(response: httpx.Response, limits: FeedLimits, moved_to: str | None, now: datetime) -> Fetched:
    new = response.status_code != _NOT_MODIFIED
    if new and response.status_code != _HTTP_OK:
        raise _turned_away(response, now)
    return Fetched(
        body=_body(response, limits.size) if new else None,
        url=str(response.url),
        content_type=response.headers.get("content-type", ""),
        etag=_validator(response, "etag"),
        last_modified=_validator(response, "last-modified"),
        moved_to=moved_to,
    )


def _validator(response: httpx.Response, name: str) -> str:
    value = str(response.headers.get(name, ""))
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def _body(response: httpx.Response, most: int) -> bytes:
    """Return the body, decompressed, in at most `most` bytes: neither a huge nor a hugely compressed one fits."""
    too_large = FeedError(f"is larger than {most / 2**20:g} MB. That is no feed for articles; remove it.")
    length = response.headers.get("content-length", "")
    if length.isdigit() and len(length) > len(str(most)):
        raise too_large
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise FeedError(f"is sent in the encoding {encoding[:40]!r}, which was not asked for. Tell its publisher.")
    unpack = zlib.decompressobj(wbits=47) if encoding not in {"", "identity"} else None  # 47: gzip or zlib
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in response.iter_raw():
            part = unpack.decompress(chunk, most - size + 1) if unpack else chunk
            parts.append(part)
            size += len(part)
            if size > most:
                raise too_large
    except zlib.error as fault:
        raise FeedError(f"is compressed, but damaged ({fault}). It is tried again later.") from fault
    if unpack and parts and not unpack.eof:
        raise FeedError("is compressed, but breaks off before its end. It is tried again later.")
    return b"".join(parts)


def _turned_away(response: httpx.Response, now: datetime) -> TurnedAwayError:
    status = response.status_code
    remedies = {
        401: "wants a password. Feeds must be public; remove it or use its public address.",
        403: "refuses robots. Ask its publisher, or use another feed.",
        404: "is not there. Find its present address on the site, or remove it.",
        410: "is gone for good. Remove it.",
        429: "asks for fewer requests. It is left alone for a while.",
    }
    remedy = remedies.get(status) or (
        "has a fault on its side. It is tried again later."
        if status >= 500  # noqa: PLR2004 - HTTP's class of server errors
        else "answers with no feed. Open it in a browser to see why."
    )
    return TurnedAwayError(f"{remedy} (HTTP {status})", _retry_after(response, now))


def _retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment - now if moment.tzinfo else moment.replace(tzinfo=UTC) - now


def _why_unreachable(fault: Exception) -> str:
    cause = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has a certificate that is not valid ({cause.verify_message}). Tell its publisher, or try http."
        if isinstance(cause, ssl.SSLError):
            return "does not speak https properly. Try its http address."
        cause = cast("Exception", cause.__cause__ or cause.__context__)
    return f"cannot be reached ({fault}). It is tried again later; check the address if it stays so."
