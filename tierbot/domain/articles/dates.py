"""Parses the dates of archives and feeds, in any format, to aware UTC."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo

from dateutil import parser as dateutil_parser
from dateutil import tz

_LONGEST = 80  # characters; no date is longer
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # a missing time zone puts a new story up to 14 hours ahead
_HOURS = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
    "MSK": 3, "IST": 5.5, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4,
    "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}\b")
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,9})?")
_COMPACT = re.compile(r"(?:19|20)\d{6}(?:\d{6})?")


def parse_date(value: object, now: datetime) -> datetime | None:
    """Parse a date to aware UTC; return None if it isn't a plausible date.

    Accepts ISO 8601, RFC 2822, Unix times in seconds to nanoseconds (numbers or digits), and whatever dateutil
    reads. The default time zone is UTC; "3/4/2018" is in March, "3.4.2018" in April. Implausible dates have no
    year, are before 1900, are the Unix epoch itself (a missing value written as 0), or are more than a day after
    `now`. A date up to a day ahead becomes `now`: its time zone is missing.

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
        return _from_unix(float(value)) if abs(value) < 1e20 else None  # noqa: PLR2004 - beyond nanoseconds
    text = value.strip() if isinstance(value, str) else ""
    if not 0 < len(text) <= _LONGEST:
        return None
    if _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text) and len(text) > len("2018"):
        return _from_unix(float(text))
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return _guess(_EAST_ASIAN.sub(r"\1-\2-\3", text), now)


def _from_unix(number: float) -> datetime | None:
    if not math.isfinite(number):
        return None
    while abs(number) > 1e11:  # noqa: PLR2004 - seconds until the year 5138; more is milli-, micro- or nanoseconds
        number /= 1000
    if number < _EARLIEST.timestamp():
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=number)


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return tz.tzoffset(name, offset)
    hours = _HOURS.get((name or "").upper())
    return None if hours is None else tz.tzoffset(name, timedelta(hours=hours))


def _guess(text: str, now: datetime) -> datetime | None:
    """Parse with dateutil, which fills gaps from a default; two defaults reveal whether the year was missing."""
    day_first = bool(_DOTTED.search(text))
    try:
        first, second = (
            dateutil_parser.parse(text, default=datetime(year, 1, 1), tzinfos=_zone, dayfirst=day_first)  # noqa: DTZ001
            for year in (now.year, now.year - 4)  # both leap years or neither, except around 1900 and the like
        )
        return None if first.year != second.year else _utc(first)
    except (ValueError, OverflowError, TypeError, AttributeError, IndexError, ArithmeticError):
        return None  # dateutil raises all of these on garbage


def _utc(moment: datetime) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):  # its time zone moves it before year 1 or after 9999
        return None
