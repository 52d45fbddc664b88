"""Addresses: what is linked is safe, what is one page is one string."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.articles.urls import canonical_url, clean_url, site_of

PIECES = st.sampled_from(
    ["http://", "HTTPS://", "www.", "m.", "amp.", "en.m.wikipedia.org", "example.com", "EXAMPLE.co.uk", ":80", ":443", ":x",
     "/", "/amp", "/index.html", "/a%20b", "/ä", "?", "&", "utm_source=x", "id=7", "b=%26", "a=1", "=", "#top", "#!/x", "%",
     "@", "user:pw@", "[::1]", "[", "]", " ", "\\", "..", ";", "bücher.de", "\x00", "//", "|", "<"]
)  # fmt: skip
URLS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=10).map("".join),
    st.lists(PIECES, max_size=8).map(lambda parts: "http://example.com" + "".join(parts)),
)


@given(URLS)
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    assert clean_url(clean_url(raw)) == clean_url(raw)
    assert canonical_url(canonical_url(raw)) == canonical_url(raw)


@given(URLS)
def test_what_is_linked_is_always_http_with_a_host_and_without_credentials(raw: str) -> None:
    url = clean_url(raw)
    if url:
        parts = urlsplit(url)
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert "@" not in parts.netloc
        assert url.isascii()
        assert not set(url) & set(' <>"\n\t|')


@given(URLS)
def test_the_identity_does_not_depend_on_having_been_cleaned_before(raw: str) -> None:
    assert canonical_url(clean_url(raw)) == canonical_url(raw)


@pytest.mark.parametrize(
    "variant",
    [
        "http://example.com/story",
        "https://EXAMPLE.com:443/story/",
        "https://www.example.com/story#comments",
        "http://m.example.com/story?utm_source=rss&utm_medium=feed",
        "https://example.com/story?fbclid=abc&gclid=def",
        "https://amp.example.com/story/amp/",
        "https://user:secret@example.com/story",
        "  https://example.com/story/index.html?amp=1\n",
    ],
)
def test_variants_of_one_page_have_one_identity(variant: str) -> None:
    assert canonical_url(variant) == "https://example.com/story"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/story?id=1", "https://example.com/story?id=2"),
        ("https://spa.example/#/story/1", "https://spa.example/#/story/2"),
        ("https://example.com/Story", "https://example.com/story"),
        ("https://news.example.com/a", "https://sport.example.com/a"),
        ("https://example.com:8080/a", "https://example.com/a"),
        ("https://example.com/camp", "https://example.com/c"),
    ],
)
def test_different_pages_keep_different_identities(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


def test_the_order_of_parameters_does_not_matter() -> None:
    assert canonical_url("https://e.com/?b=2&a=1") == canonical_url("https://e.com/?a=1&b=2")


@pytest.mark.parametrize(
    "raw",
    ["", "javascript:alert(1)", "ftp://x/y", "file:///etc/passwd", "//example.com", "example.com/x", "http://", "data:x,y",
     "http://a b/", "http://x:99999/", "http://[zz]/", "https://example.com/" + "x" * 3000, "http://e.com/\x00", "mailto:a@b"],
)  # fmt: skip
def test_anything_but_http_is_no_address(raw: str) -> None:
    assert clean_url(raw) == ""
    assert canonical_url(raw) == ""


def test_a_short_host_is_not_taken_for_a_mobile_variant() -> None:
    assert canonical_url("https://m.co/x") == "https://m.co/x"
    assert canonical_url("https://de.m.wikipedia.org/wiki/Hund") == "https://de.wikipedia.org/wiki/Hund"


def test_a_site_is_called_by_its_host() -> None:
    assert site_of("https://www.bbc.co.uk:8443/news") == "bbc.co.uk"
    assert site_of("") == ""
    assert site_of("http://[::1]:80/") == "[::1]"


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.example/?WelcomeVisitors",
        "https://forum.example/index.php?topic=12.0;topicseen",
        "https://lib.example/search?q=%E2%EE%E4%E0",
        "https://bbs.example/thread.php?pk_id=77",
        "https://e.com/?a=&b&c=%2B+d",
        "https://e.com/a%2Fb;v=1/%7Euser?x=1%262",
        "https://e.com/?fb_page=2&hsa_id=1&mtm_station=3",
    ],
)
def test_a_query_stays_as_it_was_given(url: str) -> None:
    assert clean_url(url) == url
    assert canonical_url(url) == url


@pytest.mark.parametrize(
    "parameter",
    [
        "utm_source=x",
        "pk_campaign=x",
        "mtm_kwd=x",
        "hsa_acc=1",
        "fb_ref=x",
        "_hsenc=x",
        "vero_id=1",
        "%75tm_medium=x",
        "gclid",
    ],
)
def test_known_tracking_parameters_go(parameter: str) -> None:
    assert clean_url(f"https://e.com/a?{parameter}&id=7") == "https://e.com/a?id=7"
