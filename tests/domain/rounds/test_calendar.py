"""Quiet hours, free days and daylight saving."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.rounds.calendar import is_quiet, next_open

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
NIGHT = (time(18), time(9))


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)


def test_an_open_moment_stays_as_it_is() -> None:
    noon = at(2026, 11, 23, 12)
    assert next_open(noon, NIGHT, WORKDAYS, BERLIN) == noon


def test_an_evening_moves_to_the_next_morning_and_a_friday_evening_to_monday() -> None:
    assert next_open(at(2026, 11, 23, 20), NIGHT, WORKDAYS, BERLIN) == at(2026, 11, 24, 9)
    assert next_open(at(2026, 11, 27, 20), NIGHT, WORKDAYS, BERLIN) == at(2026, 11, 30, 9)


def test_nine_oclock_stays_nine_oclock_when_daylight_saving_begins_and_ends() -> None:
    assert next_open(at(2026, 3, 27, 19), NIGHT, WORKDAYS, BERLIN).astimezone(BERLIN).hour == 9
    assert next_open(at(2026, 10, 23, 19), NIGHT, WORKDAYS, BERLIN).astimezone(BERLIN).hour == 9


def test_midnight_right_after_the_change_of_clocks_is_not_skipped() -> None:
    # APScheduler's cron jumped from this Monday 00:00 to the week after.
    sunday = at(2026, 3, 29, 12)
    assert next_open(sunday, None, ("mon",), BERLIN) == at(2026, 3, 30, 0)


def test_quiet_hours_within_one_day_are_understood() -> None:
    lunch = (time(12), time(13))
    assert is_quiet(at(2026, 11, 23, 12, 30), lunch, WORKDAYS, BERLIN)
    assert next_open(at(2026, 11, 23, 12, 30), lunch, WORKDAYS, BERLIN) == at(2026, 11, 23, 13)


def test_a_week_without_an_open_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="no moment"):
        next_open(at(2026, 11, 23), None, (), BERLIN)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1]),
    st.sets(st.sampled_from(WORKDAYS), min_size=1),
)
def test_the_next_open_moment_is_open_and_never_in_the_past(moment, quiet, days) -> None:
    moment = moment.replace(tzinfo=UTC)
    quiet = (quiet[0].replace(second=0, microsecond=0), quiet[1].replace(second=0, microsecond=0))
    found = next_open(moment, quiet, days, BERLIN)
    assert moment <= found <= moment + timedelta(days=8)
    assert not is_quiet(found, quiet, days, BERLIN)
