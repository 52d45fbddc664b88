"""Turns untrusted text (mojibake, HTML that is escaped once, twice or not at all) into plain text; idempotent."""

import html
import html.entities
import re
import unicodedata

TITLE_CHARACTERS = 300
TEXT_CHARACTERS = 5_000

# Raw text is cut before the costly steps, to a multiple of the final length since markup may take most of it.
_RAW_FACTOR = 8
_MOST_PASSES = 8  # each pass undoes one level of escaping; nobody escapes eight times in good faith


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Only real elements are markup: "Vec<T>" and "a < b" are text.
_ELEMENTS = _words(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br "
    "button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html "
    "i iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav noframes "
    "noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search "
    "section select slot small source span strike strong style sub summary sup svg table tbody td template textarea "
    "tfoot th thead time title tr track tt u ul var video wbr path g use"
)
_INLINE = _words(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup time tt u var wbr"
)

# ASCII letters, digits and harmless punctuation skip the costly steps.
_PLAIN = re.compile(r"[ !-%'-;=?-~]*")
_SPACES = re.compile(r"\s+")
# Bidirectional controls, zero-width and other invisible characters, language tags, noncharacters.
# U+200C and U+200D stay: Persian and emoji need them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffc\ufffe\uffff\U000e0000-\U000e0fff]"
)
# Regular expressions rather than html.parser, which takes 15 s for 40,000 characters of "<a <a <a". None of these
# reads a character more than a few times: attributes stop at the next "<", and what is never closed isn't searched for.
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(r"<!\[CDATA\[|\]\]>|<[!?][^<>]*>")
_HIDDEN = "script|style|template|noscript|iframe|object|svg|math"
_HIDDEN_START = re.compile(rf"<({_HIDDEN})\b[^<>]*(?<!/)>", re.IGNORECASE)
_HIDDEN_END = re.compile(rf"</({_HIDDEN})\s*>", re.IGNORECASE)
_TAG = re.compile(r"""</?([a-zA-Z][a-zA-Z0-9]*+)(?:\s(?:[^<>"']|"[^"]{0,4000}"|'[^']{0,4000}')*+)?/?>""")
# What makes a text markup: an element that is opened and closed, an entity, or an element that plain text rarely mentions.
_START = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)[\s/>]")
_END = re.compile(r"</([a-zA-Z][a-zA-Z0-9]*)\s*>")
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|([a-zA-Z][a-zA-Z0-9]{1,31}));")
_TELLING = re.compile(
    r"\S<br\s*/?>|<br\s*/>|<(?:a|img)\s[^<>]*?=|\A\s*<(?:p|div|br)\b[^<>]*>|<!--|<!\[CDATA\[", re.IGNORECASE
)


def looks_like_markup(text: str) -> bool:
    """Return whether a text of an unknown format is HTML. Text that only mentions elements isn't.

    >>> [looks_like_markup(text) for text in ("On The <dl>", "a <b>bold</b> move", "R&amp;D", "AT&T; a < b")]
    [False, True, True, False]
    """
    if "<" in text:
        ends = {name.lower() for name in _END.findall(text)} & _ELEMENTS
        if ends and any(name.lower() in ends for name in _START.findall(text)):
            return True
        if _TELLING.search(text):
            return True
    return "&" in text and any(
        not found[1] or f"{found[1]};" in html.entities.html5 for found in _REFERENCE.finditer(text)
    )


def _without_hidden(text: str) -> str:
    """Remove comments, declarations, and elements that aren't shown, such as scripts; leave what is never closed."""
    end = text.rfind("-->") + len("-->")  # 2 if there is none
    text = _DECLARATION.sub(" ", _COMMENT.sub(" ", text[:end]) + text[end:])
    last = {found[1].lower(): found.end() for found in _HIDDEN_END.finditer(text)}
    kept, at = [], 0
    for start in _HIDDEN_START.finditer(text):
        name = start[1].lower()
        if start.start() < at or last.get(name, 0) <= start.end():
            continue
        kept.append(text[at : start.start()])
        at = next(found.end() for found in _HIDDEN_END.finditer(text, start.end()) if found[1].lower() == name)
    return " ".join([*kept, text[at:]])


def _tag(found: re.Match[str]) -> str:
    name = found[1].lower()
    if len(name) == 1 and " " in found[0] and "=" not in found[0]:
        return found[0]  # "a<b and b>c" isn't bold text
    if name in _INLINE:
        return ""
    return " " if name in _ELEMENTS else found[0]


def _pass(text: str, most: int, *, markup: bool) -> str:
    import ftfy  # noqa: PLC0415 - slow to import, and not needed to show articles

    if markup:
        text = html.unescape(_TAG.sub(_tag, _without_hidden(text)) if "<" in text else text)
    text = ftfy.fix_text(text, unescape_html=False, uncurl_quotes=False, fix_character_width=False)
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text))
    text = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)
    return shorten(_SPACES.sub(" ", text).strip(), most)


def shorten(text: str, most: int) -> str:
    """Cut text to at most `most` characters (≥ 1), at a nearby space if possible, and end it with "…".

    >>> shorten("The cat sat on the mat", 14)
    'The cat sat…'
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    space = head.rfind(" ")
    return (head[:space] if space > most * 3 // 4 else head).rstrip() + "…"


def clean(raw: str, most: int = TEXT_CHARACTERS, *, markup: bool | None = None) -> str:
    """Return one line of plain text, at most `most` characters, in Unicode's composed form (NFC).

    Unescapes and strips HTML (scripts and styles with their content), repairs mojibake (ftfy, Speer 2019),
    removes control, invisible and bidirectional characters, and collapses white space.

    markup: whether the text is HTML, as its format says; None if the format doesn't say, and it is HTML if it looks so.

    >>> clean("&lt;b&gt;Caf\u00c3\u00a9&lt;/b&gt;  \u202eopens <script>alert(1)</script>")
    'Café opens'
    """
    text = raw[: most * _RAW_FACTOR]
    if len(raw) > len(text):  # the cut may have split a tag
        text = re.sub(r"<[^<>]*\Z", "", text)
    if _PLAIN.fullmatch(text):  # most titles: nothing to unescape, decode or remove
        return shorten(_SPACES.sub(" ", text).strip(), most)
    for place in range(_MOST_PASSES):
        html_now = looks_like_markup(text) if markup is None or place else markup
        again = _pass(text, most, markup=html_now and markup is not False)
        if again == text:
            return again
        text = again
    # Escaped beyond good faith: without these two characters, nothing is left to unescape.
    return _settled(text.replace("&", " ").replace("<", " "), most)


def _settled(text: str, most: int) -> str:
    while (again := _pass(text, most, markup=False)) != text:
        text = again if len(again) <= len(text) else again[: len(text)]
    return text
