"""Decides when posting is allowed: never in quiet hours or on days off, in the team's own time zone.

Wall-clock arithmetic is done in local time and then converted to UTC, so "09:00" stays 09:00 across
daylight saving changes.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_A_WEEK_AND_A_DAY = 8


def is_quiet(moment: datetime, quiet: tuple[time, time] | None, weekdays: Collection[str], zone: ZoneInfo) -> bool:
    """Return whether posting is off at this moment."""
    local = moment.astimezone(zone)
    if _DAYS[local.weekday()] not in weekdays:
        return True
    if quiet is None:
        return False
    start, end = quiet
    now = local.time()
    return start <= now < end if start <= end else (now >= start or now < end)


def next_open(moment: datetime, quiet: tuple[time, time] | None, weekdays: Collection[str], zone: ZoneInfo) -> datetime:
    """Return `moment`, or the first later moment that isn't quiet (aware UTC).

    Raises ValueError if the whole week is quiet.
    """
    if not is_quiet(moment, quiet, weekdays, zone):
        return moment
    opens_at = quiet[1] if quiet else time(0)
    local = moment.astimezone(zone)
    for days in range(_A_WEEK_AND_A_DAY):
        candidate = _at(local.date() + timedelta(days=days), opens_at, zone)
        if candidate >= moment and not is_quiet(candidate, quiet, weekdays, zone):
            return candidate
    raise ValueError("the quiet hours and weekdays leave no moment to post")


def _at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return a wall-clock time in UTC; a time that daylight saving skips moves to just after the gap."""
    return datetime.combine(day, wall, zone).astimezone(UTC)


def local_days(moments: Collection[datetime], zone: ZoneInfo) -> set[date]:
    """Return the local dates of moments; streaks are counted in these."""
    return {moment.astimezone(zone).date() for moment in moments}
