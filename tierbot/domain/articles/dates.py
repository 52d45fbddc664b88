"""Parses the dates of archives and feeds, in any format and the larger languages, to aware UTC.

A date that isn't understood is None rather than a guess: a story without a date is posted, one with a wrong date misleads.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from threading import Lock
from zoneinfo import ZoneInfo

from dateutil import parser as dateutil_parser
from dateutil import tz

_LONGEST = 80  # characters; no date is longer
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_EARLIEST_NUMBER = datetime(1990, 1, 1, tzinfo=UTC)  # a smaller number isn't a time on the web but something else
_AHEAD = timedelta(days=1)  # a missing time zone puts a new story up to 14 hours ahead
_FARTHEST_ZONES = timedelta(hours=-12), timedelta(hours=14)
_HOURS = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2,
    "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "TRT": 3, "SAST": 2, "WAT": 1, "CAT": 2, "EAT": 3, "IDT": 3,
    "GST": 4, "IRST": 3.5, "PKT": 5, "IST": 5.5, "NPT": 5.75, "ICT": 7, "WIB": 7, "SGT": 8, "HKT": 8, "MYT": 8, "PHT": 8,
    "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "BRT": -3, "ART": -3, "CLT": -4, "COT": -5, "PET": -5,
}  # fmt: skip
_PLACES = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
    "AET": "Australia/Sydney",
}  # fmt: skip
_LANGUAGES = [
    "de",
    "es",
    "fr",
    "it",
    "pt",
    "nl",
    "ru",
    "pl",
    "sv",
    "da",
    "nb",
    "fi",
    "cs",
    "sk",
    "uk",
    "bg",
    "tr",
    "ro",
    "hu",
    "el",
    "ca",
    "id",
    "vi",
    "et",
    "lv",
    "lt",
    "sl",
    "th",
    "he",
    "ar",
    "fa",
    "hi",
]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]

_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_CLOCK = re.compile(r"(\d{1,2})\s*[時时点點시]\s*(\d{1,2})\s*[分분](?:\s*(\d{1,2})\s*[秒초])?")
_HALF_DAY = re.compile(r"(?:(上午|午前|오전)|下午|午後|오후)\s*(\d{1,2}:\d\d(?::\d\d)?)")
_DAY_FIRST = re.compile(r"(?<![\d.-])\d{1,2}([.-])\s?\d{1,2}\1\s?\d{2,4}\b")
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,9})?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_COMPACT = re.compile(r"(?:19|20)\d{6}(?:\d{4}(?:\d\d)?)?")
_DAY_OF_YEAR = re.compile(r"\d{4}-\d{3}")
_UNCLEAR = re.compile(r"\d\d[ -]\d\d[ -]\d\d(?![\d:]).*")  # which of these is the year?
_WORD = re.compile(r"[^\W\d_][^\s\d.,/_-]{2,}")
# "Di. 6.3.2018"; after a weekday that isn't English, the day comes before the month.
_WEEKDAY_IN_DIGITS = re.compile(r"^([^\W\d_]+)(?:\s[^\W\d_]+)?[.,]{1,2}\s*(?=\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d)")
_ENGLISH_DAY = re.compile(r"mon|tues?|wed(?:s|nes)?|thu(?:r|rs)?|fri|sat(?:ur)?|sun", re.IGNORECASE)
_BEFORE_TIME = re.compile(
    r"(?<=\d)(?:\.?,?\s+(?:um|om|kl\.?|klo|à|às|alle|ore|a las|o|-))(?=\s\d{1,2}[:.h]\d\d)|\s+uhr\b", re.IGNORECASE
)
_DOT_NET = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/")
_ORDINAL = re.compile(r"(?<=\d)[ºª°]")
# "Di, 6 März" and "mar 6 nov" (martes, mardi), but not "March, 6 2018".
_WEEKDAY = re.compile(
    r"^(?:[^\W\d_]+(?:\.,|[.,])|mar|tues|weds|thurs?)\s*(?=\d{1,2}(?:\.|\s+de)?[\s-]+[^\W\d_]{3})", re.IGNORECASE
)
_TIME = r":\d\d(?:[.,]\d+)?(?:\s?[ap]\.?m\.?(?![a-z]))?|\d\s?[ap]m"
# dateutil would read "GMT+3" as POSIX does, three hours to the west; everybody who writes it means three to the east.
_OFFSET = re.compile(
    rf"({_TIME})\s*\(?(?:[a-z]{{1,5}}\s?)?([+−-])(\d{{1,2}})(?::?(\d\d)|:(\d))?(?::?00)?(?!\d)(?:\s?\([^()]*\))?",
    re.IGNORECASE,
)
_PLACE = re.compile(r"\s*\[?\b([A-Z][A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?)\]?\s*$")
_IN_WORDS = re.compile(r"\b([ECMP])[a-z]+\s+(?:([SD])[a-z]+\s+)?Time\b")  # Eastern Standard Time
_ZONE_NAME = re.compile(rf"({_TIME})\s+(?:\(\s*)?([a-z]{{2,5}})\)?(?=$|\s+\d{{4}}$)", re.IGNORECASE)
_MIDNIGHT = re.compile(r"([\sT])24:00(:00)?(?![:\d])")
_LEAP_SECOND = re.compile(r"(:\d\d):60(?!\d)")


def parse_date(value: object, now: datetime) -> datetime | None:
    """Parse a date to aware UTC; return None if it isn't a plausible date.

    Accepts ISO 8601, RFC 2822, Unix times in seconds to nanoseconds (numbers or digits), what dateutil reads, and month
    names of the larger languages. The default time zone is UTC; "3/4/2018" is in March, "3.4.2018" and "3-4-2018" in April. A date without
    a day is the first of its month, a year alone the first of January.

    Implausible are dates without a year, before 1900 (Unix times: before 1990), and more than a day after `now`. A date up
    to a day ahead becomes `now`: its time zone is missing.

    >>> parse_date("Tue, 06 Mar 2018 09:30:00 EST", datetime(2020, 1, 1, tzinfo=UTC)).isoformat()
    '2018-03-06T14:30:00+00:00'
    """
    moment = _read(value, now)
    if moment is None or moment < _EARLIEST or moment.timestamp() == 0 or moment > now + _AHEAD:
        return None
    return min(moment, now)


def _read(value: object, now: datetime) -> datetime | None:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if abs(value) < 1e20 else ""  # noqa: PLR2004 - beyond nanoseconds
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not 0 < len(text) <= _LONGEST:
        return None
    text = _DOT_NET.sub(r"\1", text)
    if _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
        return datetime(int(text), 1, 1, tzinfo=UTC) if _YEAR.fullmatch(text) else _from_unix(float(text))
    days = 0
    if _MIDNIGHT.search(text):
        text, days = _MIDNIGHT.sub(r"\g<1>00:00\g<2>", text), 1
    moment = _written(_LEAP_SECOND.sub(r"\1:59", text), now)
    return moment and moment + timedelta(days=days)


def _from_unix(number: float) -> datetime | None:
    if not math.isfinite(number):
        return None
    while abs(number) > 1e11:  # noqa: PLR2004 - seconds until the year 5138; more is milli-, micro- or nanoseconds
        number /= 1000
    if number < _EARLIEST_NUMBER.timestamp():
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=number)


def _written(text: str, now: datetime) -> datetime | None:
    """Parse a date in words or digits: by the standard, else with dateutil, else in the larger languages."""
    try:
        if _DAY_OF_YEAR.fullmatch(text):
            return datetime.strptime(text, "%Y-%j").replace(tzinfo=UTC)
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    if _UNCLEAR.fullmatch(text):
        return None
    text, zone = _with_zone(text)
    text = _WEEKDAY.sub("", _BEFORE_TIME.sub("", _ORDINAL.sub("", _in_digits(text))))
    moment = _guess(text, now) or (_in_other_languages(text) if _WORD.search(text) else None)
    return moment and _utc(moment.replace(tzinfo=zone) if zone and moment.tzinfo is None else moment)


def _in_digits(text: str) -> str:
    """Return a Chinese, Japanese or Korean date in digits and punctuation; leave any other unchanged."""
    text = _CLOCK.sub(lambda found: f"{found[1]}:{found[2]:0>2}:{found[3] or '0':0>2}", text)
    text = _HALF_DAY.sub(lambda found: f"{found[2]} {'AM' if found[1] else 'PM'}", text)
    return _EAST_ASIAN.sub(r"\1-\2-\3 ", text)


def _with_zone(text: str) -> tuple[str, tzinfo | None]:
    """Return a date without its zone, and the zone, if it is an offset or a place; the name of a zone stays, in capitals."""
    text = _IN_WORDS.sub(lambda found: f"{found[1]}{found[2] or ''}T", text)
    place, offset = _PLACE.search(text), _OFFSET.search(text)
    zone = _zone_of(place[1]) if place else None
    text = _PLACE.sub("", text) if zone else text
    if offset is not None:
        minutes = 60 * int(offset[3]) + int(offset[4] or offset[5] or 0)
        zone = tz.tzoffset(None, 60 * minutes if offset[2] == "+" else -60 * minutes)
    return _ZONE_NAME.sub(lambda found: f"{found[1]} {found[2].upper()}", _OFFSET.sub(r"\1 ", text)), zone


def _zone_of(place: str) -> tzinfo | None:
    try:
        return ZoneInfo(place)
    except (KeyError, ValueError, OSError):
        return None


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return tz.tzoffset(name, offset)
    if name in _PLACES:
        return _zone_of(_PLACES[name])
    hours = _HOURS.get((name or "").upper())
    return None if hours is None else tz.tzoffset(name, timedelta(hours=hours))


_FAULTS = (ValueError, OverflowError, TypeError, AttributeError, IndexError, KeyError, ArithmeticError)


def _guess(text: str, now: datetime) -> datetime | None:
    """Parse with dateutil, which fills gaps from a default; two defaults reveal what was missing."""
    weekday = _WEEKDAY_IN_DIGITS.match(text)
    foreign = weekday is not None and not _ENGLISH_DAY.fullmatch(weekday[1].lower().removesuffix("day"))
    text, day_first = _WEEKDAY_IN_DIGITS.sub("", text), foreign or bool(_DAY_FIRST.search(text))
    try:
        first, second = (
            dateutil_parser.parse(text, default=default, tzinfos=_zone, dayfirst=day_first)
            # both leap years or neither, except around 1900 and the like
            for default in (datetime(now.year, 1, 1), datetime(now.year - 4, 2, 1))  # noqa: DTZ001
        )
    except _FAULTS:
        return None  # dateutil raises all of these on garbage
    return first if (first.year, first.month) == (second.year, second.month) else None


_one_at_a_time = Lock()  # dateparser caches what it parsed, and isn't thread-safe


@lru_cache(maxsize=1_000)
def _in_other_languages(text: str) -> datetime | None:
    """Parse a whole date in the languages that have a month of a name in it."""
    with _one_at_a_time:
        known = _languages_by_month()
        languages = tuple(dict.fromkeys(code for word in _WORD.findall(text) for code in known.get(_bare(word), ())))
        try:
            return _foreign(languages)(text) if languages else None
        except _FAULTS:
            return None


@lru_cache(maxsize=100)
def _foreign(languages: tuple[str, ...]) -> Callable[[str], datetime | None]:
    from dateparser.date import DateDataParser  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.1 s, and seldom needed

    settings = {"PARSERS": ["absolute-time"], "STRICT_PARSING": True, "DATE_ORDER": "DMY"}
    parser = DateDataParser(languages=list(languages), settings=settings, use_given_order=True)
    return lambda text: parser.get_date_data(text).date_obj


@lru_cache(maxsize=1)
def _languages_by_month() -> Mapping[str, Sequence[str]]:
    """Return which languages have a month of this name or abbreviation, the larger ones first."""
    from dateparser.languages import default_loader  # type: ignore[import-untyped]  # noqa: PLC0415 - see above

    found: dict[str, list[str]] = {}
    for locale in default_loader.get_locales(languages=list(_LANGUAGES), use_given_order=True):
        for month in _MONTHS:
            for name in locale.info[month]:
                if word := _WORD.search(name):
                    found.setdefault(_bare(word[0]), []).append(locale.shortname)
    return found


def _bare(word: str) -> str:
    """Return a word without case and accents, which many feeds leave out."""
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))


def _utc(moment: datetime) -> datetime | None:
    try:
        offset = moment.utcoffset()
        if offset is not None and not _FARTHEST_ZONES[0] <= offset <= _FARTHEST_ZONES[1]:
            return None
        return moment.replace(tzinfo=UTC) if offset is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):  # its time zone moves it before year 1 or after 9999
        return None
