"""A broken feed of every kind, over real HTTP: each says what is wrong and what to do."""

import gzip
import socket
import time
import zlib

import numpy as np
import pytest

from tests.adapters.feeds.conftest import BOMB, ITEM, NOW, FeedServer, Handler, fault, read, rss
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.feeds import Feed, FeedError, FeedMemory


def test_a_web_page_is_told_from_a_feed_and_its_feed_is_named(server: FeedServer) -> None:
    page = '<!DOCTYPE html><html><head><link rel=alternate href="/rss?a=1&amp;b=2" type="application/rss+xml"></head></html>'
    says = fault(server.serve("/page", page, kind="text/html"))
    assert says == f"is a web page, not a feed. Its feed may be {server.url}/rss?a=1&b=2; list that instead."
    assert "Look for" in fault(server.serve("/plain", "<html><body>Hello</body></html>"))


def test_a_feed_that_quotes_a_web_page_is_still_a_feed(server: FeedServer) -> None:
    item = "<title>x</title><description><![CDATA[<!DOCTYPE html><html>hello</html>]]></description>"
    assert read(server.serve("/feed", rss(item))).articles


@pytest.mark.parametrize("body", [b"", b"  \n\t ", b"\xef\xbb\xbf"])
def test_an_empty_feed_says_so(server: FeedServer, body: bytes) -> None:
    assert fault(server.serve("/empty", body)).startswith("is empty")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"version": "https://jsonfeed.org/version/1"}', "is JSON, but not JSON Feed"),
        ("hello", "is not RSS, Atom or JSON Feed"),
        ("<opml><body/></opml>", "is not RSS, Atom or JSON Feed"),
        ("\x89PNG\r\n\x1a\n" + "\x00" * 100, "is not RSS, Atom or JSON Feed"),
    ],
)
def test_what_is_no_feed_is_called_by_its_name(server: FeedServer, body: str, says: str) -> None:
    assert fault(server.serve("/x", body)).startswith(says)


def test_a_gigabyte_is_not_downloaded(server: FeedServer) -> None:
    def pour(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(16_384):
            handler.wfile.write(b"x" * 65_536)
            server.sent += 65_536

    server.answers["/big"] = pour
    assert fault(server.url + "/big", size=2**20).startswith("is larger than 1 MB")
    assert server.sent < 64 * 2**20


def test_a_gigabyte_that_is_announced_is_not_even_begun(server: FeedServer) -> None:
    def announce(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        server.released.wait(20)

    server.answers["/big"] = announce
    assert fault(server.url + "/big", size=2**20).startswith("is larger than 1 MB")


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(server: FeedServer) -> None:
    pack = zlib.compressobj(wbits=31)
    bomb = b"".join(pack.compress(b"\0" * 2**20) for _ in range(64)) + pack.flush()
    assert len(bomb) < 2**20
    assert fault(server.serve("/bomb", bomb, Content_Encoding="gzip"), size=2**20).startswith("is larger than 1 MB")


@pytest.mark.parametrize(
    ("data", "encoding", "says"),
    [
        (gzip.compress(b"x" * 999, mtime=0)[:20] + b"?" * 20, "gzip", "has damaged compressed data"),
        (b"no deflate at all", "deflate", "has damaged compressed data"),
        (b"no gzip at all", "gzip", "is not RSS, Atom or JSON Feed"),
        (
            gzip.compress(np.random.default_rng(0).bytes(5_000), mtime=0)[:-300],
            "gzip",
            "has incomplete compressed data",
        ),
        (b"x", "br", "uses the encoding 'br'"),
    ],
)
def test_damaged_compression_is_told(server: FeedServer, data: bytes, encoding: str, says: str) -> None:
    assert fault(server.serve("/x", data, Content_Encoding=encoding)).startswith(says)


def test_a_server_that_does_not_answer_is_given_up(server: FeedServer) -> None:
    server.hang("/slow")
    began = time.monotonic()
    assert fault(server.url + "/slow", seconds=0.3).startswith("didn't answer completely within 0.3 s")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_drips_is_given_up(server: FeedServer, part: str) -> None:
    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b""))
        for n in range(1_000):
            handler.wfile.write(b"x" if part == "body" else f"X-{n}: y\r\n".encode())
            if server.released.wait(0.02):
                return

    server.answers["/drip"] = drip
    began = time.monotonic()
    assert fault(server.url + "/drip", seconds=0.5).startswith("didn't answer completely within 0.5 s")
    assert time.monotonic() - began < 5


def test_redirects_in_a_circle_end(server: FeedServer) -> None:
    server.redirect("/a", "/b")
    url = server.redirect("/b", "/a")
    assert fault(url).startswith("redirects more than 5 times or in a circle")
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/_", "javascript:alert(1)"]
)
def test_a_redirect_to_anything_but_http_is_refused(server: FeedServer, target: str) -> None:
    assert "isn't http or https" in fault(server.redirect("/r", target))


EXTERNAL = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>'


@pytest.mark.parametrize("bomb", [BOMB, EXTERNAL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "utf-7"])
def test_entity_bombs_are_refused_in_any_encoding(server: FeedServer, bomb: str, encoding: str) -> None:
    kind = f"text/xml; charset={encoding}"
    assert fault(server.serve("/bomb", bomb.encode(encoding), kind=kind)).startswith("defines its own entities")


def test_a_plain_doctype_without_entities_is_no_bomb(server: FeedServer) -> None:
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    )
    assert read(server.serve("/feed", rss(ITEM).replace("<rss", doctype + "<rss"))).articles


def test_a_feed_of_nothing_but_tags_is_refused_before_it_costs_a_minute(server: FeedServer) -> None:
    began = time.monotonic()
    assert fault(server.serve("/tags", rss("<a/>" * 300_000))).startswith("has 300,008 tags")
    assert time.monotonic() - began < 5


def test_broken_xml_is_read_as_far_as_it_goes(server: FeedServer) -> None:
    broken = rss(ITEM, "<title>R&D & more</title><b>").replace("</channel></rss>", "")
    result = read(server.serve("/feed", broken))
    assert [a.title for a in result.articles] == ["A story", "R&D & more"]
    assert result.notes[0].startswith("is broken XML, read as far as possible")


def test_xml_beyond_mending_is_told(server: FeedServer) -> None:
    assert fault(server.serve("/feed", "<rss version='2.0'><channel><ti")).startswith("is broken XML (")


def test_entries_without_title_and_text_are_counted(server: FeedServer) -> None:
    result = read(server.serve("/feed", rss(ITEM, "<link>https://e.com/2</link>")))
    assert len(result.articles) == 1
    assert result.notes == ("1 of 2 entries have neither title nor text",)


def test_script_and_direction_marks_in_titles_do_not_survive(server: FeedServer) -> None:
    item = "<title>&lt;script&gt;alert(1)&lt;/script&gt;\u202eTitle &lt;img src=x onerror=alert(1)&gt;</title><link>javascript:alert(1)</link>"
    [article] = read(server.serve("/feed", rss(item))).articles
    assert article.title == "Title"
    assert article.url == ""


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "requires a password"),
        (403, "refuses bots"),
        (404, "doesn't exist"),
        (410, "is permanently gone. Remove it. (HTTP 410)"),
        (429, "asks for fewer requests"),
        (500, "has a server error"),
        (503, "has a server error"),
        (204, "doesn't return a feed"),
        (206, "doesn't return a feed"),
        (300, "doesn't return a feed"),
    ],
)
def test_each_refusal_has_its_remedy(server: FeedServer, status: int, says: str) -> None:
    assert fault(server.serve("/x", b"", status=status)).startswith(says)


def test_a_port_that_is_closed_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    assert fault(f"http://127.0.0.1:{closed}/").startswith("cannot be reached")


def test_a_host_that_nobody_knows_is_told() -> None:
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(FeedError, match=r"^the host nowhere\.example is unknown\. Check the address"):
        FeedReader(resolve=unknown).read(Feed("http://nowhere.example/feed"), FeedMemory(), NOW)


def test_a_server_that_speaks_no_http_or_no_tls_is_told(server: FeedServer) -> None:
    server.serve_raw("/rude", b"220 smtp ready\r\n\r\n")
    server.serve_raw("/cut", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<rss")
    assert "doesn't speak HTTP" in fault(server.url + "/rude")
    assert "closed the connection early" in fault(server.url + "/cut")
    assert fault(server.url.replace("http:", "https:") + "/x").startswith("doesn't speak https properly")
