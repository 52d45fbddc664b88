"""User names and passwords in the addresses of feeds: taken out before an address is stored, shown or logged."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_IN_URL = re.compile(r"(//)[^/?#\s]*@")


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and password, for HTTP Basic. The password isn't part of its repr, which may reach a log."""

    user: str
    password: str = field(repr=False)


def login_of(url: str) -> Login | None:
    """Return the login that an address contains, its percent-encoding undone; None if there is none.

    >>> login_of("https://ann:s%40fe@feeds.example/news.xml").user
    'ann'
    """
    try:
        before, mark, _ = urlsplit(url.strip()).netloc.rpartition("@")
    except ValueError:
        return None
    user, _, password = before.partition(":")
    return Login(unquote(user), unquote(password)) if mark else None


def masked(text: str) -> str:
    """Return a text without the logins in its addresses.

    >>> masked("ftp://ann:safe@feeds.example/news.xml")
    'ftp://…@feeds.example/news.xml'
    """
    return _IN_URL.sub(r"\1…@", text)
