"""Convert a feed's bytes to XML text that a strict parser reads: one broken character costs that character, not the feed.

Encodings are found as browsers find them (WHATWG Encoding), except that a document's own declaration is weighed against a
header that contradicts it. References to characters that don't exist, HTML's entities and a feed's own entities are replaced
here; entities that refer to others, or to files, are refused.
"""

import codecs
import html
import html.entities
import re
from collections.abc import Mapping

from tierbot.domain.articles.feeds import FeedError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_LOOKS_LIKE_ASCII = ("iso-2022", "iso2022", "hz", "utf-7", "utf7")  # their bytes are valid UTF-8 with another meaning
_BROWSERS_TAKE = {
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}  # by Python's names: the encodings that browsers take these labels for, since the wider one is usually meant
_ALSO_CALLED = {
    "xsjis": "cp932",
    "windows31j": "cp932",
    "xmaccyrillic": "mac_cyrillic",
    "xmacroman": "mac_roman",
    "dos874": "cp874",
    "ksc56011987": "cp949",
    "ksc56011989": "cp949",
    "logical": "iso8859-8",
    "visual": "iso8859-8",
    "unicode11utf8": "utf-8",
    "xgbk": "gb18030",
    "xxbig5": "big5hkscs",
}
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_TAG = re.compile(rb"<[^<>]*>")
_WESTERN = (
    "cp1252",
    "cp1250",
    "cp1254",
    "cp1257",
    "iso8859_2",
)  # where accented letters stand alone, the usual one first
_CENTRAL = re.compile(r"[^\W\d_][ºþ¹³¿]|õ")  # Romanian, Polish and Hungarian, read as Western
_ENOUGH_TO_TELL = 50  # accented letters
_MOST_BROKEN = 0.02  # share of the characters beyond ASCII, in text that still counts as being in an encoding
_MOST_BROKEN_UTF8 = 0.5  # hardly any byte beyond ASCII of another encoding is valid UTF-8

# Each of these stops at the next mark, at a limit, or at the end, so none takes quadratic time on hostile input.
_BEFORE_ROOT = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_DOCTYPE = re.compile(
    r"""<!DOCTYPE\b[^\[<>]*+(\[(?:[^\]"'<]|<(?!!--)|<!--.*?-->|"[^"]*+"|'[^']*+')*+\]\s*+)?>""",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.:-]{1,60})\s+(?:"([^"<>%]*)"|'([^'<>%]*)')\s*>""")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # in XML 1.0
_PAIR = re.compile(
    r"&#(?:[xX]([dD][89abAB][0-9a-fA-F]{2})|(5[56]\d{3}));&#(?:[xX]([dD][c-fC-F][0-9a-fA-F]{2})|(5[67]\d{3}));"
)
_NUMBER = re.compile(r"&#(?:[xX]([0-9a-fA-F]{1,8})|(\d{1,10}));")
_CDATA_OR_REFERENCE = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))|&(?:(#?[\w.:-]{1,60});)?", re.DOTALL)
_CHARACTERS = ((0x9, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))  # XML 1.0, 2.2
_PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})
_LONGEST_VALUE = 200  # characters of a feed's own entity
_MOST_EXPANDED = 2**20  # characters that a feed's own entities may add up to


def decode(body: bytes, content_type: str) -> str:
    """Decode a feed: by its byte order mark, as UTF-8, as its header or declaration says, or by what its bytes look like.

    UTF-8 comes first because declarations are often wrong, and text in another encoding is hardly ever valid UTF-8.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    header, declared = _CHARSET.search(content_type), _DECLARED.match(body)
    labels = [header[1]] if header else []
    labels += [declared[1].decode("ascii", errors="replace")] if declared else []
    claimed = [name for name in dict.fromkeys(map(encoding_of, labels)) if name]
    special = [name for name in claimed if name.startswith(_LOOKS_LIKE_ASCII)]
    for encoding in (*special, "utf-8", *_by_looks(body, claimed)):
        text = body.decode(encoding, errors="replace")
        if _broken(text) <= (_MOST_BROKEN_UTF8 if encoding == "utf-8" else _MOST_BROKEN):
            return text
    return body.decode("cp1252", errors="replace")


def encoding_of(label: str) -> str | None:
    """Return Python's name of the encoding that browsers take a label for; None if nobody knows the label.

    >>> [encoding_of(label) for label in ("ISO-8859-1", "x-sjis", "cp-1251", "klingon")]
    ['cp1252', 'cp932', 'cp1251', None]
    """
    short = "".join(filter(str.isalnum, label)).lower()
    for name in (_ALSO_CALLED.get(short), label.strip(), short):
        try:
            found = codecs.lookup(name) if name else None
        except (LookupError, ValueError):
            continue
        if found is not None and getattr(found, "_is_text_encoding", True):
            return _BROWSERS_TAKE.get(found.name, found.name)
    return None


def _broken(text: str) -> float:
    """Return the share of characters beyond ASCII that could not be decoded."""
    beyond = len(text) - len(text.encode("ascii", errors="ignore"))
    return text.count("\ufffd") / beyond if beyond else 0.0


def _by_looks(body: bytes, claimed: list[str]) -> list[str]:
    """Return encodings to try, likeliest first: the claimed one, or the likelier one where two are claimed, or any.

    A claim of Windows-1252 counts only where accented letters stand alone, as in Western languages: it is the default that
    servers send. So does the absence of a claim where too few bytes tell more.
    """
    others = [name for name in claimed if name != "utf-8"]
    runs = _BEYOND_ASCII.findall(body)
    western = sum(map(len, runs)) < 2 * len(runs)
    if len(others) == 1 and (western or others != ["cp1252"]):
        return others
    if not others and western and len(runs) < _ENOUGH_TO_TELL:
        return ["cp1252"]
    found = _western(_TAG.sub(b" ", body)) if western and not others else _any(body, others if len(others) > 1 else [])
    return [*([found] if found else []), *others]


def _any(body: bytes, among: list[str]) -> str | None:
    """Return the likeliest encoding, among some if there are any; None for none."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, and seldom needed

    best = from_bytes(body, cp_isolation=among or None).best()
    return encoding_of(best.encoding) if best else None


def _western(text: bytes) -> str | None:
    """Return the encoding in which a text with lone accented letters reads most like a language; None for none."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - see above

    score = {
        match.encoding: match.coherence - 5 * match.chaos for match in from_bytes(text, cp_isolation=list(_WESTERN))
    }
    alike = [name for name in _WESTERN if score and score.get(name) == max(score.values())]
    # Languages that read alike in both differ by letters that one of them doesn't have inside words.
    if alike[:2] == ["cp1252", "cp1250"] and _CENTRAL.search(decoded := text.decode("cp1252", errors="replace")):
        return "cp1252" if "ã" in decoded and "õ" in decoded else "cp1250"
    return encoding_of(alike[0]) if alike else None


def to_xml(text: str) -> str:
    """Return a feed's text without the declarations before its root, and with only references that a parser knows.

    Raises FeedError for entities that refer to entities or files, which is how a few bytes become gigabytes.
    """
    at = 0
    while skipped := _BEFORE_ROOT.match(text, at):
        at = skipped.end()
    text = text[at:]
    entities: dict[str, str] | None = {}
    if text[:9].upper() == "<!DOCTYPE":
        doctype = _DOCTYPE.match(text)
        entities = _entities(doctype[1] or "") if doctype else None
        if doctype is None or entities is None:
            raise FeedError(
                "defines its own entities (<!ENTITY) through others or files, like an XML bomb that expands to gigabytes. Remove it."
            )
        text = text[doctype.end() :]
    text = _NUMBER.sub(_number, _PAIR.sub(_pair, text))
    return _ILLEGAL.sub(" ", _replaced(text, entities or {})).lstrip()


def _entities(subset: str) -> dict[str, str] | None:
    """Return a document type's own entities; None if any refers to another, to a file, or is too long."""
    found = {entity[1]: entity[2] or entity[3] or "" for entity in _ENTITY.finditer(subset)}
    if len(_ENTITY.findall(subset)) != subset.upper().count("<!ENTITY"):
        return None
    values = {name: html.unescape(value) for name, value in found.items()}
    if any(("&" in value and value != "&") or len(value) > _LONGEST_VALUE for value in values.values()):
        return None
    return {name: _escaped(value) for name, value in values.items()}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _replaced(text: str, entities: Mapping[str, str]) -> str:
    """Replace the references that XML doesn't know, outside CDATA: HTML's, the feed's own, and the "&" of "R&D"."""
    left = _MOST_EXPANDED

    def replace(found: re.Match[str]) -> str:
        nonlocal left
        name = found[2]
        if found[1] or (name and (name in _PREDEFINED or name.startswith("#"))):
            return found[0]
        if name in entities:
            left -= len(entities[name])
            if left < 0:
                raise FeedError("repeats its own entities (<!ENTITY) like an XML bomb. Remove it.")
            return entities[name]
        known = html.entities.html5.get(f"{name};") if name else None
        return _escaped(known) if known else "&amp;" + found[0][1:]

    return _CDATA_OR_REFERENCE.sub(replace, text)


def _pair(found: re.Match[str]) -> str:
    """Return the character of two references to the halves of a UTF-16 pair."""
    high = int(found[1], 16) if found[1] else int(found[2])
    low = int(found[3], 16) if found[3] else int(found[4])
    whole = 0xD800 <= high < 0xDC00 and 0xDC00 <= low < 0xE000  # noqa: PLR2004 - the Unicode Standard, 3.9
    return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00) if whole else "\ufffd"


def _number(found: re.Match[str]) -> str:
    """Return a reference to a character as it is, or a replacement if the character doesn't exist."""
    number = int(found[1], 16) if found[1] else int(found[2])
    if 0x80 <= number < 0xA0:  # noqa: PLR2004 - HTML: who writes these means Windows-1252
        return html.unescape(found[0])
    if any(low <= number <= high for low, high in _CHARACTERS):
        return found[0]
    return "\ufffd" if number > 0x1F else " "  # noqa: PLR2004 - control characters
