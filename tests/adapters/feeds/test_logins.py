"""A feed's password reaches the feed's own host, and nothing else: no other host, log, error or message."""

import base64
import logging
import stat
from pathlib import Path

import pytest

from tests.adapters.feeds.conftest import ITEM, FeedServer, Handler, in_process, poll, rss, serving
from tierbot.adapters.feeds.guard import LOOPBACK
from tierbot.adapters.feeds.logins import keep_login, login_for, read_logins
from tierbot.adapters.feeds.reader import FeedReader
from tierbot.domain.articles.feeds import FeedResult, parse_feeds
from tierbot.domain.articles.logins import Login
from tierbot.domain.nouns import TierbotError

ANN = Login("ann", 's@fe "w"\\örd:#1')
BASIC = "Basic " + base64.b64encode(f"ann:{ANN.password}".encode()).decode()


def locked(server: FeedServer, path: str) -> str:
    """Serve a feed to Ann only; return its address."""

    def answer(handler: Handler) -> None:
        if handler.headers.get("Authorization") == BASIC:
            handler.give(rss(ITEM).encode())
        else:
            handler.give(b"", status=401, WWW_Authenticate='Basic realm="x"')

    server.answers[path] = answer
    return server.url + path


def read_listed(url: str, logins: Path | None = None) -> FeedResult:
    (feed,) = parse_feeds(url, "feeds.txt")
    (result,) = poll(FeedReader(allow=LOOPBACK, logins=logins, parsing=in_process), [feed])
    return result


def with_login(url: str) -> str:
    return url.replace("//", "//ann:s%40fe%20%22w%22%5C%C3%B6rd%3A%231@")


def test_a_login_in_the_address_is_used_and_is_no_part_of_the_address(server: FeedServer) -> None:
    result = read_listed(with_login(locked(server, "/feed")))
    assert len(result.articles) == 1
    assert result.feed.url == server.url + "/feed"
    assert ANN.password not in repr(result)


def test_a_login_from_the_file_is_used_for_its_host_and_port_only(server: FeedServer, tmp_path: Path) -> None:
    file = tmp_path / "feeds.netrc"
    keep_login(locked(server, "/feed"), ANN, file)
    assert read_listed(server.url + "/feed", file).articles
    with serving() as other:
        assert (read_listed(locked(other, "/feed"), file).problem or "").endswith(
            "TIERBOT_FEEDS_NETRC names. (HTTP 401)"
        )
        assert "Authorization" not in other.asked[0][1]


def test_without_a_port_a_host_s_login_is_for_all_of_its_ports(server: FeedServer, tmp_path: Path) -> None:
    file = tmp_path / "feeds.netrc"
    keep_login("http://127.0.0.1/feed", ANN, file)
    assert read_listed(locked(server, "/feed"), file).articles


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_gets_no_login_and_one_within_the_host_keeps_it(
    server: FeedServer, status: int
) -> None:
    with serving() as other:
        url = server.redirect("/away", locked(other, "/feed"), status)
        assert "requires a password" in (read_listed(with_login(url)).problem or "")
        assert "Authorization" not in other.asked[0][1]
    locked(server, "/here")
    assert read_listed(with_login(server.redirect("/old", "/here", status))).articles


def test_a_login_in_a_redirect_is_neither_used_nor_shown(server: FeedServer) -> None:
    target = server.serve("/new", rss(ITEM))
    result = read_listed(server.redirect("/old", target.replace("//", "//eve:hidden@"), 301))
    assert result.notes == (f"has moved permanently; list {target} instead",)
    assert "Authorization" not in server.asked[-1][1]


def test_a_password_that_is_refused_is_told_without_it(server: FeedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    locked(server, "/feed")
    result = read_listed(f"http://ann:wrong-one@127.0.0.1:{server.server_port}/feed")
    assert result.problem == f"{server.url}/feed: refuses the password. Correct it. (HTTP 401)"
    assert "wrong-one" not in caplog.text + repr(result)


def test_the_file_is_its_owners_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "feeds.netrc"
    file.write_text("# ours\nmachine a.example login bob password b")
    keep_login("https://b.example:8443/feed", ANN, file)
    keep_login("https://b.example:8443/other", ANN, file)
    assert file.read_text().startswith("# ours\nmachine a.example login bob password b\nmachine b.example:8443 login")
    assert read_logins(file) == {"a.example": Login("bob", "b"), "b.example:8443": ANN}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(TierbotError, match=r"has another login for a\.example\. Change it there"):
        keep_login("https://a.example/feed", ANN, file)


def test_an_unreadable_file_of_logins_is_told_without_its_passwords(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "feeds.netrc"
    file.write_text("machine a.example login ann\npassword\nhunter2 hunter3 x\n")
    assert login_for("https://a.example/feed", file) is None
    assert "feeds.netrc:" in caplog.text
    assert "expected machine HOST login USER password PASSWORD" in caplog.text
    assert "hunter" not in caplog.text


def test_no_file_is_no_login_and_its_default_is_nobodys(tmp_path: Path) -> None:
    file = tmp_path / "feeds.netrc"
    assert login_for("https://a.example/feed", file) is None
    file.write_text("default login ann password x\n")
    assert login_for("https://a.example/feed", file) is None
