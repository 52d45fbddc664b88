"""Connections that reach the open web only: every address is checked when, and only when, it is connected to.

Checking a host name and then handing the name on would let it resolve to something else the second time (DNS
rebinding). Here the name is resolved once per connection, the addresses are checked, and the socket is opened to
a checked address; host header and certificate still go by the name. Redirects make new connections, so each
is checked likewise. A deadline bounds all of them together.
"""

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
"""The local machine: allowed for tests and for the demo."""

_CONNECT_SECONDS = 5.0
_NAT64 = ip_network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system knows them. Raises OSError if it knows none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


def is_closed(host: str, allow: Iterable[Network] = ()) -> bool:
    """Tell whether a host is a written-out address outside of the open web, or this machine; names are not looked up."""
    try:
        return not is_open_web(ip_address("127.0.0.1" if host.rstrip(".") == "localhost" else host.strip("[]")), allow)
    except ValueError:
        return False


def is_open_web(address: Address, allow: Iterable[Network] = ()) -> bool:
    """Tell whether an address lies in the open web, or in one of the networks that are allowed besides.

    Not so: private, loopback, link-local, shared, reserved and multicast addresses. An IPv6 address that
    stands for an IPv4 address (mapped, 6to4, Teredo, NAT64) is judged by that.
    """
    inner = _embedded(address)
    if inner:
        return all(is_open_web(each, allow) for each in inner)
    if any(address in network for network in allow if network.version == address.version):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(found for found in inner if found is not None)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one fetch: to checked addresses only, and none beyond the deadline."""

    def __init__(self, *, seconds: float, allow: Iterable[Network] = (), resolve: Resolve = resolve) -> None:
        """`seconds` from now all connections end; `allow` are networks permitted besides the open web."""
        self._deadline = time.monotonic() + seconds
        self._allow = tuple(allow)
        self._resolve = resolve
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - here and below: the deadline rules
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address of `host` that answers.

        Raises FeedError if it has none that may be reached, httpcore.ConnectError if none answers.
        """
        try:
            addresses = [ip_address(found.partition("%")[0]) for found in self._resolve(host.strip("[]"), port)]
        except (OSError, UnicodeError) as fault:
            raise FeedError(f"the host {host} is not known. Check the address for typing errors.") from fault
        reachable = [address for address in addresses if is_open_web(address, self._allow)]
        if not reachable:
            raise FeedError(
                f"{host} is a private address ({addresses[0] if addresses else 'none'}), which feeds may not reach. "
                "Use a public address, or set TIERBOT_FEEDS_ALLOW_LOCAL=true for tests."
            )
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
        """Refuse: no feed lives in a file."""
        raise FeedError(f"{path} is no web address. Use http or https.")

    def left(self) -> float:
        """Return the seconds left. Raises httpcore.ReadTimeout if there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return left


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every step ends by the backend's deadline: servers that drip cannot hold it open."""

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
