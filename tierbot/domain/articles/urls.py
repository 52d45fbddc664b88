"""Cleans the URLs of articles: one form that is safe to show, and a canonical form to compare.

A query stays as it was given, except for known tracking parameters: some servers distinguish `?page` from `?page=`, and
they read `%E2` or `;` in different ways.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit, urlunsplit

from w3lib.url import safe_url_string

_LONGEST = 2_000  # characters; Slack refuses links beyond 3,000
_TRACKING = re.compile(
    r"utm_\w+|(?:mtm|pk)_(?:campaign|cid|cpn|content|group|keyword|kwd|medium|placement|source)|"
    r"hsa_(?:acc|ad|cam|grp|kw|la|mt|net|ol|src|tgt|ver)|fb_(?:action_ids|action_types|comment_id|ref|source)|"
    r"_hs(?:enc|fp|mi)|__hs(?:fp|sc|tc)|vero_(?:conv|id)|wt_?mc\w*|at_(?:medium|campaign|link\w*|custom\d|format|bbc\w*)|"
    r"fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|li_fat_id|igshid|igsh|mc_cid|mc_eid|"
    r"mkt_tok|oly_(?:anon|enc)_id|ref_src|ref_url|ns_(?:mchannel|source|campaign|linkname|fee)|_ga|_gl|s_cid|ncid|cmpid|"
    r"sr_share|smid|smtyp|ocid|xtor|wprov|guccounter|guce_referrer\w*|__twitter_impression",
    re.IGNORECASE,
)
_AMP_QUERY = {"amp", "outputtype", "usqp"}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_VARIANT = re.compile(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.[^.]+)")
_MOBILE_WIKI = re.compile(r"^([a-z-]+)\.m\.(wik\w+\.org)$")
_UNSAFE = re.compile(r'[|<>"`\\^{}\s]')  # w3lib leaves some; Slack's links end at them
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")


def clean_url(raw: str) -> str:
    """Return an http(s) URL that is safe to link, without credentials and tracking; "" if it isn't valid.

    >>> clean_url(" HTTPS://User:pw@Example.COM:443/a?utm_source=x&id=7#top ")
    'https://example.com/a?id=7#top'
    >>> clean_url("javascript:alert(1)")
    ''
    """
    text = raw.strip()
    if not text or len(text) > _LONGEST * 4 or _FORBIDDEN.search(text):
        return ""
    try:
        # w3lib escapes what may not stand in a URL, leaves the rest, and writes the host in ASCII (IDNA).
        scheme, netloc, path, query, fragment = urlsplit(safe_url_string(text))
        scheme = scheme.lower()
        host = _netloc(scheme, netloc)
    except (ValueError, UnicodeError):
        return ""
    if scheme not in {"http", "https"} or not host:
        return ""
    query = "&".join(_parameters(query, lambda name: not _TRACKING.fullmatch(name)))
    url = urlunsplit((scheme, host, path or "/", query, fragment))
    url = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", url)
    return url if len(url) <= _LONGEST else ""


def canonical_url(raw: str) -> str:
    """Return the same string for all URLs of a page; "" if it isn't a valid http(s) URL.

    In addition to `clean_url`: http becomes https, fragments are dropped (except routes such as "#/story/1"), and
    the usual mobile, AMP and "www" variants are folded. For comparison only; the URL may not open.

    >>> canonical_url("http://m.example.com/story/amp/?amp=1#top")
    'https://example.com/story'
    """
    url = clean_url(raw)
    if not url:
        return ""
    _, netloc, path, query, fragment = urlsplit(url)
    netloc = re.sub(r":(?:80|443)$", "", netloc)
    while (shorter := _MOBILE_WIKI.sub(r"\1.\2", _VARIANT.sub("", netloc))) != netloc:
        netloc = shorter
    while (shorter := re.sub(r"(?:/amp|/index\.html?|\.amp|/)$", "", path)) != path:
        path = shorter
    parameters = _parameters(query, lambda name: name.lower() not in _AMP_QUERY)
    route = fragment if fragment.startswith(("/", "!")) else ""
    return urlunsplit(("https", netloc, path or "/", "&".join(sorted(parameters)), route))


def _parameters(query: str, keep: Callable[[str], bool]) -> list[str]:
    """Return the parameters to keep by name, each as it stands in the query."""
    return [part for part in query.split("&") if part and keep(unquote(part.partition("=")[0]))]


def site_of(url: str) -> str:
    """Return the site's name: the host without "www." and the like; "" for an invalid URL.

    >>> site_of("https://www.bbc.co.uk/news")
    'bbc.co.uk'
    """
    netloc = urlsplit(canonical_url(url)).netloc
    return netloc.rsplit(":", 1)[0] if netloc.rpartition(":")[2].isdigit() else netloc


def _netloc(scheme: str, netloc: str) -> str:
    """Return the host and port in lowercase, without credentials or the default port; "" if invalid."""
    parts = urlsplit(f"//{netloc.rpartition('@')[2]}")
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{ipaddress.IPv6Address(host)}]"  # ValueError if invalid
    elif len(host) > 253 or not _HOST.fullmatch(host):  # noqa: PLR2004 - RFC 1035
        return ""
    default = {"http": 80, "https": 443}.get(scheme)
    return host if parts.port in {None, default} else f"{host}:{parts.port}"
