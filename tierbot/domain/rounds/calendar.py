"""Quiet hours and days off in the team's time zone, in which "09:00" stays 09:00 when the clocks change."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTE = timedelta(minutes=1)
_SEARCHED = 15  # days: a week's only open minutes may fall into the hour that daylight saving time skips


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
    """Return the first moment from this one on that isn't quiet (UTC); ValueError if the whole week is."""
    if not is_quiet(moment, quiet, weekdays, zone):
        return moment
    for candidate in sorted(_openings(moment, quiet, zone)):
        if candidate >= moment and not is_quiet(candidate, quiet, weekdays, zone):
            return candidate
    raise ValueError("the quiet hours and weekdays leave no moment to post")


def _openings(moment: datetime, quiet: tuple[time, time] | None, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments (UTC) at which a quiet time may end: midnights, ends of quiet hours, changes of the clocks."""
    today = moment.astimezone(zone).date()
    walls = {time(0), quiet[1]} if quiet else {time(0)}
    for days in range(_SEARCHED):
        day = today + timedelta(days=days)
        for wall in walls:
            for fold in (0, 1):  # where the clocks are set back, the same wall-clock time comes twice
                yield datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC)
        yield from _change_of_clocks(day, zone)


def _change_of_clocks(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moment (UTC) of a day, to the minute, at which the zone's offset from UTC changes, if there is one."""
    before, after = (datetime.combine(day + timedelta(days=n), time(0), zone).astimezone(UTC) for n in (0, 1))
    if _offset(before, zone) == _offset(after, zone):
        return
    low, high = 0, round((after - before) / _MINUTE)  # minutes from `before`: the old offset, the new one
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + middle * _MINUTE, zone) == _offset(before, zone):
            low = middle
        else:
            high = middle
    yield before + high * _MINUTE


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def local_days(moments: Collection[datetime], zone: ZoneInfo) -> set[date]:
    """Return the local dates of moments; streaks are counted in these."""
    return {moment.astimezone(zone).date() for moment in moments}
