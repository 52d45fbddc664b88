"""Connect to the open web only: check every address right when connecting to it.

If the guard checked a host name and passed the name on, it could resolve to a different address the second time (DNS
rebinding). Instead, each connection resolves the name once, checks the addresses and connects to a checked one; host
header and certificate still use the name. Redirects open new connections, so they are checked, too. One deadline covers
all connections.
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

from tierbot.domain.articles.feeds import FeedError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
"""The local machine, allowed for tests and the demo."""

_CONNECT_SECONDS = 5.0
_EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_INSIDE = re.compile(
    r"[^.]*|(?:.*\.)?(?:local|localhost|localdomain|internal|intranet|private|corp|home|lan|home\.arpa|0x[0-9a-f]*|\d+)|.*:.*"
)  # names inside a network, and what looks like an address
_NAT64 = ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ip_network("2000::/3")  # IANA has allocated no other IPv6 addresses to the open web
_DOCUMENTATION = ip_network("3fff::/20")  # RFC 9637


def resolve(host: str, port: int) -> list[str]:
    """Return a host's addresses from the system's resolver. Raises OSError if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def is_closed(host: str, allow: Iterable[Network] = ()) -> bool:
    """Return whether a host is localhost or an IP address outside the open web; doesn't look up names."""
    try:
        return not is_open_web(ip_address("127.0.0.1" if host.rstrip(".") == "localhost" else host.strip("[]")), allow)
    except ValueError:
        return False


def is_open_web(address: Address, allow: Iterable[Network] = ()) -> bool:
    """Return whether an address is in the open web or in an allowed network.

    Private, loopback, link-local, site-local, shared, reserved and multicast addresses aren't. For an IPv6 address with an embedded
    IPv4 address (mapped, 6to4, Teredo, NAT64), the embedded one decides.
    """
    inner = _embedded(address)
    if inner:
        return all(is_open_web(each, allow) for each in inner)
    if any(address in network for network in allow if network.version == address.version):
        return True
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address in _DOCUMENTATION):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(found for found in inner if found is not None)


def _private(host: str, addresses: Sequence[Address] = ()) -> FeedError:
    return FeedError(
        f"{host} is a private address ({addresses[0] if addresses else 'none'}), which feeds may not use. "
        "Use a public address, or for tests set TIERBOT_FEEDS_ALLOW_LOCAL=true."
    )


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one fetch, to checked addresses only and until a deadline."""

    def __init__(self, *, seconds: float, allow: Iterable[Network] = (), resolve: Resolve = resolve) -> None:
        """End all connections in `seconds`; also permit the networks in `allow`."""
        self._deadline = time.monotonic() + seconds
        self._allow = tuple(allow)
        self._resolve = resolve
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - here and below, the deadline counts instead
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first permitted address of `host` that answers. Raises FeedError if none is permitted."""
        try:
            addresses = self._addresses(host, port)
        except (OSError, UnicodeError) as fault:
            raise FeedError(f"the host {host} is unknown. Check the address for typos.") from fault
        reachable = [address for address in addresses if is_open_web(address, self._allow)]
        if not reachable:
            raise _private(host, addresses)
        last: Exception = httpcore.ConnectError("no address")
        for address in dict.fromkeys(reachable):
            left = min(_CONNECT_SECONDS, self.left())
            try:
                stream = self._backend.connect_tcp(str(address), port, left, local_address, socket_options)
                return _TimedStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as refused:
                last = refused
        raise last

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Raise FeedError: feeds come from the web."""
        raise FeedError(f"{path} isn't a web address. Use http or https.")

    def check(self, host: str, port: int) -> None:
        """Raise FeedError unless a proxy may be asked for `host`, which the proxy looks up itself.

        A host that is unknown here may be known to the proxy; names that only mean something inside a network are refused.
        """
        try:
            addresses = self._addresses(host, port)
        except (OSError, UnicodeError) as fault:
            if _INSIDE.fullmatch(host.strip("[]").rstrip(".").lower()):
                raise _private(host) from fault
            return
        if not all(is_open_web(address, self._allow) for address in addresses):
            raise _private(host, addresses)

    def for_proxy(self) -> "ProxyBackend":
        """Return a backend with the same deadline that connects to a proxy."""
        return ProxyBackend(seconds=self.left(), allow=_EVERYWHERE, resolve=self._resolve)

    def _addresses(self, host: str, port: int) -> list[Address]:
        return [ip_address(found.partition("%")[0]) for found in self._resolve(host.strip("[]"), port)]

    def left(self) -> float:
        """Return the seconds left. Raises httpcore.ReadTimeout after the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return left


class ProxyBackend(GuardedBackend):
    """Opens the connections to a proxy, which may have a private address: whoever runs tierbot chose it."""

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Connect to the proxy. Raises FeedError if it can't be reached."""
        try:
            return super().connect_tcp(host, port, *args, **kwargs)
        except (FeedError, httpcore.ConnectError, httpcore.ConnectTimeout) as fault:
            raise FeedError(
                f"can't be reached, because the proxy {host}:{port} doesn't answer. Check HTTP_PROXY and HTTPS_PROXY."
            ) from fault


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every operation obeys the backend's deadline, so a slow server can't hold it open."""

    def __init__(self, stream: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.left())
        return _TimedStream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
