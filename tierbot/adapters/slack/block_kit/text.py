"""Pure functions that make untrusted text safe and short for Slack.

Feed text may carry control characters, right-to-left marks, markup and links of any scheme.
"""

import re
import unicodedata
from urllib.parse import quote, urlsplit

_JOINERS = "\u200c\u200d"  # needed by emoji families and Persian words
_LOOKALIKES = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "\u02cb"})
_SHORT_NAME = re.compile(r":(?=[^\s:]+:)")  # the first colon of what could name an emoji, also of "1:59:48"
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_ENTITY = re.compile(r"<([@#!]?[^<>\s]+?(?:\|[^<>]*)?)>")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_UNSAFE_IN_URL = frozenset('|<>"\\`^{}')
_LONGEST_LINK = 1900


def clean(text: str, limit: int) -> str:
    r"""Return one line of visible text, up to `limit` characters, cut at a word boundary if one is near.

    Removes control and format characters, right-to-left marks included; collapses white space.

    >>> clean("  Cat\u202e bites\n dog ", 40), clean("a quick brown fox", 12)
    ('Cat bites dog', 'a quick…')
    """
    head = text[: 20 * limit]  # a title of 10 MB costs no more than a long one
    seen = "".join(c for c in head if c.isspace() or c in _JOINERS or not unicodedata.category(c).startswith("C"))
    line = " ".join(seen.split()).strip(_JOINERS)
    return cut(line, limit)


def cut(line: str, limit: int) -> str:
    """Shorten a line to `limit` characters, ending with "…", at a word boundary if one is near."""
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    at = head.rfind(" ")
    if at >= limit // 2 and line[limit - 1] != " ":
        head = head[:at]
    return head.rstrip(" .,;:–—-" + _JOINERS) + "…"


def escape(text: str) -> str:
    """Escape the three reserved characters of Slack's mrkdwn."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def without_emoji(text: str) -> str:
    """Keep Slack from turning `:name:` into an emoji, with a look-alike for the first colon.

    >>> without_emoji("Wins in 1:59:48 :pizza:")
    'Wins in 1∶59:48 ∶pizza:'
    """
    return _SHORT_NAME.sub("\u2236", text)


def mrkdwn(text: str) -> str:
    """Make cleaned text literal in mrkdwn: look-alikes for what Slack can't escape, which are `* _ ~`, backticks, `:name:`."""
    return escape(without_emoji(_EDGE_UNDERSCORE.sub("\u02cd", text.translate(_LOOKALIKES))))


def safe(text: object, limit: int) -> str:
    """Return any text as one line of up to `limit` characters, literal in mrkdwn."""
    return mrkdwn(clean(str(text), limit))


def safe_url(url: str, limit: int = _LONGEST_LINK) -> str | None:
    """Return an http(s) address encoded so that it can't break out of `<…|…>`, or None for anything else.

    >>> safe_url("https://a.example/x|y"), safe_url("javascript:alert(1)")
    ('https://a.example/x%7Cy', None)
    """
    if len(url) > limit:
        return None
    try:
        encoded = "".join(_encoded(c) for c in url.strip())
        parts = urlsplit(encoded)
        good = (
            parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and "%" not in parts.netloc
        )
    except (ValueError, UnicodeEncodeError):
        return None
    return encoded if good and len(escape(encoded)) <= limit else None


def _encoded(c: str) -> str:
    hidden = c.isspace() or unicodedata.category(c).startswith("C")
    return quote(c, safe="") if hidden or c in _UNSAFE_IN_URL else c


def plain(text: str) -> str:
    """Return a message's text as people read it: link labels, no mentions of people, nothing escaped.

    >>> plain("<@U0123ABCD> see <https://a.example/x|this story> in <#C0123ABCD|news> &amp; tell <!here>")
    ' see this story in #news & tell '
    """
    shown = _ENTITY.sub(_shown, text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(found: re.Match[str]) -> str:
    what, _, label = found[1].partition("|")
    if what.startswith(("@", "!")):
        return ""
    return f"#{label}" if what.startswith("#") else label or what


def link(url: str, text: str) -> str:
    """Return `text` (mrkdwn) as a link if `url` is safe, or else the text alone."""
    target = safe_url(url)
    return f"<{escape(target)}|{text}>" if target else text


def person(who: str) -> str:
    """Return a mention of a Slack user id, or any other actor's plain name (such as "cli")."""
    return f"<@{who}>" if _USER.fullmatch(who) else mrkdwn(clean(who, 60)) or "someone"


def emoji(short_name: str) -> str:
    """Return an emoji, custom or standard, as mrkdwn."""
    return f":{clean(short_name, 100).strip(':')}:"
