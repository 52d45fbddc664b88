"""Proxies from the environment are used, and the guard against private addresses judges the target nevertheless."""

import socket

import httpx
import pytest

from tests.adapters.feeds.conftest import ITEM, NOW, FeedServer, in_process, rss
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.adapters.feeds.transport import proxy_for
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory, FeedResult

KNOWN = {"public.example": "93.184.216.34", "intranet.example": "10.0.0.7", "127.0.0.1": "127.0.0.1"}


def resolve(host: str, port: int) -> list[str]:
    del port
    try:
        return [KNOWN[host]] if host in KNOWN else [str(place[0]) for *_, place in socket.getaddrinfo(host, 80, flags=socket.AI_NUMERICHOST)]  # fmt: skip
    except socket.gaierror:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None


def read(server: FeedServer, url: str, **proxies: str) -> FeedResult:
    proxies = proxies or {"http": server.url, "https": server.url}
    return FeedReader(resolve=resolve, proxies=proxies).read(Feed(url), FeedMemory(), NOW)


@pytest.mark.parametrize("host", ["public.example", "unknown.example"])
def test_a_feed_is_read_through_a_proxy_with_a_private_address(server: FeedServer, host: str) -> None:
    server.serve(f"http://{host}/feed", rss(ITEM))
    assert len(read(server, f"http://{host}/feed").articles) == 1


def test_a_proxy_s_own_login_is_sent_to_it_and_never_told(server: FeedServer) -> None:
    server.serve("http://public.example/feed", rss(ITEM))
    given = server.url.removeprefix("http://")
    assert read(server, "http://public.example/feed", http=f"http://me:p%40ss@{given}").articles
    assert server.asked[0][1]["Proxy-Authorization"] == "Basic bWU6cEBzcw=="
    with pytest.raises(FeedError, match=r"the proxy 127\.0\.0\.1:1 doesn't answer") as told:
        read(server, "http://public.example/feed", http="me:p%40ss@127.0.0.1:1")
    assert "ss" not in str(told.value).replace("address", "").replace("answer", "")


@pytest.mark.parametrize(
    "host",
    ["intranet.example", "localhost", "10.0.0.1", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "router", "nas.local", "db.internal",
     "169.254.169.254", "[::ffff:10.0.0.1]", "metadata.google.internal", "localhost."],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_private_address_is_asked_of_a_proxy(server: FeedServer, host: str, scheme: str) -> None:
    with pytest.raises(FeedError, match="is a private address"):
        read(server, f"{scheme}://{host}/feed")
    assert server.asked == []


def test_a_redirect_to_a_private_address_is_refused_behind_a_proxy_too(server: FeedServer) -> None:
    server.redirect("http://public.example/feed", "http://10.0.0.1/secret")
    with pytest.raises(FeedError, match="is a private address"):
        read(server, "http://public.example/feed")
    assert [path for path, _ in server.asked] == ["http://public.example/feed"]


def test_https_goes_through_a_tunnel_and_a_refusal_of_it_is_told(server: FeedServer) -> None:
    with pytest.raises(FeedError, match=r"can't be reached through the proxy \(403"):
        read(server, "https://public.example/feed")
    assert server.asked[0][0] == "public.example:443"


def test_hosts_that_need_no_proxy_are_asked_directly_and_guarded(server: FeedServer) -> None:
    url = server.serve("/feed", rss(ITEM))
    proxies = {"http": "http://127.0.0.1:1", "no": "127.0.0.1"}
    direct = FeedReader(allow=LOOPBACK, resolve=resolve, proxies=proxies, parsing=in_process)
    assert direct.read(Feed(url), FeedMemory(), NOW).articles
    with pytest.raises(FeedError, match="is a private address"):
        read(server, url, **proxies)


@pytest.mark.parametrize(
    ("url", "proxies", "proxy"),
    [
        ("https://e.com/x", {"https": "http://p:3128"}, "http://p:3128"),
        ("http://e.com/x", {"https": "http://p:3128"}, None),
        ("http://e.com/x", {"all": "p:3128"}, "http://p:3128"),
        ("http://e.com/x", {"http": "p:3128", "no": "*"}, None),
        ("http://www.e.com/x", {"http": "p:3128", "no": "other.com, .e.com"}, None),
        ("http://e.com:8080/x", {"http": "p:3128", "no": "e.com:8080"}, None),
        ("http://notme.com/x", {"http": "p:3128", "no": "me.com"}, "http://p:3128"),
        ("http://e.com/x", {}, None),
    ],
)
def test_the_environment_chooses_the_proxy_as_for_curl(url: str, proxies: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(httpx.URL(url), proxies) == proxy


def test_a_kind_of_proxy_that_is_not_supported_is_told() -> None:
    with pytest.raises(FeedError, match=r"HTTPS_PROXY isn't an http\(s\) proxy"):
        proxy_for(httpx.URL("https://e.com"), {"https": "socks5://p:1080"})
