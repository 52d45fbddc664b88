"""httpx on httpcore's pools with our own network backend, for which httpx has no setting; directly or through a proxy.

The environment's HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY decide, as they do for curl. A proxy looks up names itself, so the
guard judges the target's name and addresses before the proxy is asked.
"""

import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has it for Windows and macOS

import httpcore
import httpx

from tierbot.adapters.feeds.guard import GuardedBackend
from tierbot.domain.articles.feeds import FeedError


class Transport(httpx.BaseTransport):
    """One fetch's connections. `proxies`: by scheme, as urllib.request.getproxies_environment returns them."""

    def __init__(self, backend: GuardedBackend, proxies: Mapping[str, str]) -> None:
        self._backend = backend
        self._proxies = proxies
        self._pools: dict[str | None, httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, through a proxy if one is set for its scheme and host."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        proxy = proxy_for(request.url, self._proxies)
        if proxy is not None:
            self._backend.check(request.url.host, request.url.port or {"https": 443}.get(request.url.scheme, 80))
        if proxy not in self._pools:
            self._pools[proxy] = self._pool(proxy)
        answer = self._pools[proxy].handle_request(
            httpcore.Request(request.method, url, headers=request.headers.raw, extensions=request.extensions)
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def _pool(self, proxy: str | None) -> httpcore.ConnectionPool:
        if proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=_certificates(), network_backend=self._backend, max_connections=2
            )
        parts = urlsplit(proxy)
        login = (unquote(parts.username or "").encode(), unquote(parts.password or "").encode())
        return httpcore.HTTPProxy(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            proxy_auth=login if any(login) else None,
            ssl_context=_certificates(),
            network_backend=self._backend.for_proxy(),
            max_connections=2,
        )

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # takes 20 ms to read the root certificates


def proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """Return the address of the proxy for a URL, None for none. Raises FeedError for a kind of proxy that isn't supported."""
    given = proxies.get(url.scheme) or proxies.get("all")
    host = url.netloc.decode("ascii")
    if not given or proxy_bypass_environment(host, dict(proxies)):
        return None
    proxy = given if "://" in given else f"http://{given}"
    parts = urlsplit(proxy)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise FeedError(
            f"can't be reached, because {url.scheme.upper()}_PROXY isn't an http(s) proxy. Write http://HOST:PORT."
        )
    return proxy
