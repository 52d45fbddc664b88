"""Fetch a feed with limits on size and time, and check the address of every redirect."""

import base64
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import cast

import httpcore
import httpx

from tierbot.adapters.feeds.body import read_body
from tierbot.adapters.feeds.guard import GuardedBackend, Network, Resolve
from tierbot.adapters.feeds.transport import Transport
from tierbot.domain.articles.feeds import FeedError, FeedMemory
from tierbot.domain.articles.logins import Login

_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
_LONGEST_VALIDATOR = 300  # characters of an ETag
_HTTP_OK, _NOT_MODIFIED = 200, 304


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Limits on one feed, and the number of feeds to read simultaneously."""

    seconds: float = 15.0  # per feed, redirects included
    size: int = 10 * 2**20  # bytes, after decompression
    processor: float = 10.0  # seconds of processor time to parse one; a feed of 10 MB takes up to 2.5
    memory: int = 448 * 2**20  # bytes to parse one; a feed of 10 MB takes up to 250 MB
    entries: int = 100  # feeds list the newest first
    redirects: int = 5
    workers: int = 12


class TurnedAwayError(FeedError):
    """The server answered without a feed; `wait` is the pause that it requested, if any."""

    def __init__(self, message: str, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Fetched:
    """A server's answer. `body` is None if nothing is new; `moved_to` is the address of a permanent redirect."""

    body: bytes | None
    url: str
    content_type: str
    memory: FeedMemory
    moved_to: str | None


def fetch(
    url: str,
    memory: FeedMemory,
    *,
    limits: FeedLimits,
    allow: tuple[Network, ...],
    user_agent: str,
    resolve: Resolve,
    now: datetime,
    login: Login | None = None,
    proxies: Mapping[str, str] = MappingProxyType({}),
) -> Fetched:
    """Fetch a feed if it changed since `memory`, within limits.size bytes and limits.seconds.

    The login (HTTP Basic) goes to the feed's own host only, not to one that it redirects to. `proxies`: by scheme, as
    urllib.request.getproxies_environment returns them. `now` (aware UTC) is for "Retry-After" dates.

    Raises FeedError (TurnedAwayError for an answer without a feed): one sentence with a remedy.
    """
    headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, deflate"}
    if memory.etag:
        headers["If-None-Match"] = memory.etag
    if memory.last_modified:
        headers["If-Modified-Since"] = memory.last_modified
    backend = GuardedBackend(seconds=limits.seconds, allow=allow, resolve=resolve)
    try:
        transport = Transport(backend, proxies)
        with httpx.Client(transport=transport, headers=headers, timeout=None, trust_env=False) as client:  # noqa: S113 - the backend's deadline bounds everything
            own = {"Authorization": _basic(login)} if login else None  # httpx drops it where a redirect leaves the host
            return _follow(client, client.build_request("GET", url, headers=own), limits, now)
    except (httpx.TimeoutException, httpcore.TimeoutException) as fault:
        raise FeedError(
            f"didn't answer completely within {limits.seconds:g} s. Remove the feed if it stays slow."
        ) from fault
    except (httpcore.ConnectError, httpcore.NetworkError) as fault:
        raise FeedError(_why_unreachable(fault)) from fault
    except httpcore.ProxyError as fault:
        raise FeedError(
            f"can't be reached through the proxy ({fault}). Check HTTPS_PROXY and the proxy's rules."
        ) from fault
    except (httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol, httpx.InvalidURL) as fault:
        raise FeedError("leads to an address that isn't http or https. Find the feed's current address.") from fault
    except (httpx.HTTPError, httpcore.ProtocolError) as fault:
        raise FeedError(f"closed the connection early or doesn't speak HTTP ({fault}). Check the address.") from fault


def _follow(client: httpx.Client, request: httpx.Request, limits: FeedLimits, now: datetime) -> Fetched:
    """Send a request and follow up to limits.redirects redirects."""
    moved_to: str | None = None
    permanent = True
    for _ in range(limits.redirects + 1):
        with closing(client.send(request, stream=True, follow_redirects=False)) as response:
            if response.next_request is None:
                return _received(response, limits, moved_to, now)
            permanent = permanent and response.status_code in {301, 308}
            request = response.next_request
            request.url = request.url.copy_with(userinfo=b"")
        if request.url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol(request.url.scheme)
        moved_to = str(request.url) if permanent else moved_to
    raise FeedError(
        f"redirects more than {limits.redirects} times or in a circle. Open it in a browser and list the final address."
    )


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def _received(response: httpx.Response, limits: FeedLimits, moved_to: str | None, now: datetime) -> Fetched:
    new = response.status_code != _NOT_MODIFIED
    if new and response.status_code != _HTTP_OK:
        raise _turned_away(response, now)
    return Fetched(
        body=read_body(response, limits.size) if new else None,
        url=str(response.url),
        content_type=response.headers.get("content-type", ""),
        memory=FeedMemory(_validator(response, "etag"), _validator(response, "last-modified")),
        moved_to=moved_to,
    )


def _validator(response: httpx.Response, name: str) -> str:
    value = str(response.headers.get(name, ""))
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def _turned_away(response: httpx.Response, now: datetime) -> TurnedAwayError:
    status = response.status_code
    remedies = {
        401: "refuses the password. Correct it."
        if "authorization" in response.request.headers
        else "requires a password. Write it to the file that TIERBOT_FEEDS_NETRC names.",
        407: "can't be reached, because the proxy requires a password. Add it to HTTP_PROXY.",
        403: "refuses bots. Ask its publisher, or use another feed.",
        404: "doesn't exist. Find its current address on the site, or remove it.",
        410: "is permanently gone. Remove it.",
        429: "asks for fewer requests. Wait before the next one.",
    }
    remedy = remedies.get(status) or (
        "has a server error. Remove the feed if this continues."
        if status >= 500  # noqa: PLR2004 - HTTP's class of server errors
        else "doesn't return a feed. Open it in a browser to see why."
    )
    return TurnedAwayError(f"{remedy} (HTTP {status})", _retry_after(response, now))


def _retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment - now if moment.tzinfo else moment.replace(tzinfo=UTC) - now


def _why_unreachable(fault: Exception) -> str:
    cause = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has an invalid certificate ({cause.verify_message}). Tell its publisher, or try http."
        if isinstance(cause, ssl.SSLError):
            return "doesn't speak https properly. Try its http address."
        cause = cast("Exception", cause.__cause__ or cause.__context__)
    return f"cannot be reached ({fault}). Check the address if it happens again."
