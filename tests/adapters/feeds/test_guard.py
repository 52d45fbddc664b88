"""No feed reaches a private address: not by name, number, redirect, IPv6 disguise or a name that changes its mind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.feeds.conftest import FeedServer, in_process, rss
from tierbot.adapters.feeds.guard import LOOPBACK, GuardedBackend, Resolve, is_open_web, resolve
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory

NOW = datetime(2026, 7, 1, tzinfo=UTC)
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", str(ip_address(0)),
    "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "fec0::1", "fec0:0:0:ffff::1", "feff::1", "64:ff9b:1::1", "5f00::1", "3fff::1", "4000::1", "1::1", "::10.0.0.1", "100::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_the_open_web(address: str) -> None:
    assert not is_open_web(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_the_open_web(address: str) -> None:
    assert is_open_web(ip_address(address))


def test_allowing_the_local_machine_allows_nothing_else() -> None:
    allowed = {address for address in PRIVATE if is_open_web(ip_address(address), LOOPBACK)}
    assert allowed == {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"}


def test_a_network_of_ones_own_can_be_allowed() -> None:
    assert is_open_web(ip_address("10.1.2.3"), [ip_network("10.0.0.0/8")])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_disguise_is_judged_alike(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    plain = is_open_web(ip_address(number))
    for disguise in (
        f"::ffff:{address}",
        str(ip_address((0x64FF9B << 96) + number)),
        str(ip_address((0x2002 << 112) + (number << 80))),
    ):
        assert is_open_web(ip_address(disguise)) is plain


def read(url: str, *, allow_local: bool = False, known: Resolve = resolve) -> int:
    reader = FeedReader(allow=LOOPBACK if allow_local else (), resolve=known, parsing=in_process)
    return len(reader.read(Feed(url), FeedMemory(), NOW).articles)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_the_local_machine_is_refused_however_it_is_written(server: FeedServer, host: str) -> None:
    server.serve("/feed", rss("<title>secret</title>"))
    with pytest.raises(FeedError, match=r"private address|not known"):
        read(f"http://{host}:{server.server_port}/feed")
    assert server.asked == []


def test_a_redirect_to_a_private_address_is_refused(server: FeedServer) -> None:
    url = server.redirect("/r", "http://169.254.169.254/latest/meta-data/")
    with pytest.raises(FeedError, match=r"169\.254\.169\.254 is a private address .* Use a public address"):
        read(url, allow_local=True)


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_once(server: FeedServer) -> None:
    asked: list[str] = []

    def changing(host: str, port: int) -> Sequence[str]:
        del port
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    server.serve("/feed", rss("<title>x</title>"))
    assert read(f"http://feeds.example:{server.server_port}/feed", allow_local=True, known=changing) == 1
    assert asked == ["feeds.example"]
    assert server.asked[0][1]["Host"] == f"feeds.example:{server.server_port}"


def test_a_name_that_turns_private_between_two_redirects_is_refused(server: FeedServer) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    server.redirect("/a", f"http://feeds.example:{server.server_port}/b")
    server.serve("/b", rss("<title>x</title>"))
    with pytest.raises(FeedError, match=r"feeds\.example is a private address \(10\.0\.0\.1\)"):
        read(f"http://feeds.example:{server.server_port}/a", allow_local=True, known=lambda *_: next(answers))
    assert [path for path, _ in server.asked] == ["/a"]


def test_of_several_addresses_only_the_public_ones_are_tried(server: FeedServer) -> None:
    server.serve("/feed", rss("<title>x</title>"))
    url = f"http://feeds.example:{server.server_port}/feed"
    assert read(url, allow_local=True, known=lambda *_: ["10.0.0.1", "127.0.0.1"]) == 1
    with pytest.raises(FeedError, match=r"private address \(10\.0\.0\.1\)"):
        read(url, known=lambda *_: ["10.0.0.1", "127.0.0.1"])


def test_no_proxy_of_the_environment_is_used(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert read(server.serve("/feed", rss("<title>x</title>")), allow_local=True) == 1


def test_a_unix_socket_is_no_feed() -> None:
    with pytest.raises(FeedError, match="isn't a web address"):
        GuardedBackend(seconds=1).connect_unix_socket("/run/docker.sock")
