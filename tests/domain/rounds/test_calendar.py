"""Quiet hours, free days and daylight saving."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierbot.domain.rounds.calendar import is_quiet, local_days, next_open

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WORKDAYS, "sat", "sun")
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


def test_quiet_hours_begin_with_their_first_minute_and_end_before_their_last() -> None:
    for quiet in (NIGHT, (time(12), time(13))):
        for wall, expected in zip(quiet, (True, False), strict=True):
            assert is_quiet(at(2026, 11, 23, wall.hour), quiet, WORKDAYS, BERLIN) is expected


def test_quiet_hours_that_end_where_they_begin_are_none() -> None:
    assert not is_quiet(at(2026, 11, 23, 12), (time(9), time(9)), WORKDAYS, BERLIN)


def test_a_day_is_the_teams_own() -> None:
    evening = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert local_days([evening, evening - timedelta(hours=1)], BERLIN) == {
        at(2026, 11, 23).date(),
        at(2026, 11, 24).date(),
    }


def test_after_a_free_weekend_with_quiet_hours_at_noon_monday_begins_at_midnight() -> None:
    assert next_open(at(2026, 11, 28, 10), (time(12), time(13)), WORKDAYS, BERLIN) == at(2026, 11, 30, 0)


def test_a_week_without_an_open_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="no moment"):
        next_open(at(2026, 11, 23), None, (), BERLIN)


@pytest.mark.parametrize(
    ("zone", "moment", "quiet", "opens"),
    [
        # The quiet hours would end in the hour that is skipped: they end with the jump.
        ("Europe/Berlin", datetime(2026, 3, 28, 22), (time(22), time(2, 30)), datetime(2026, 3, 29, 1)),
        ("Asia/Beirut", datetime(2026, 3, 28, 20), (time(20), time(0, 30)), datetime(2026, 3, 28, 22)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15), (time(20), time(2, 15)), datetime(2026, 10, 3, 15, 30)),
        # They have begun, and the clocks go back to before they do.
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 45), (time(2, 30), time(5)), datetime(2026, 10, 25, 1)),
        # Where their end comes twice, the first time counts.
        ("Europe/Berlin", datetime(2026, 10, 24, 22), (time(22), time(2, 30)), datetime(2026, 10, 25, 0, 30)),
    ],
)
def test_a_change_of_clocks_may_end_quiet_hours(
    zone: str, moment: datetime, quiet: tuple[time, time], opens: datetime
) -> None:
    assert next_open(moment.replace(tzinfo=UTC), quiet, EVERY_DAY, ZoneInfo(zone)) == opens.replace(tzinfo=UTC)


QUIET = st.tuples(st.times(), st.times()).map(
    lambda pair: (pair[0].replace(second=0, microsecond=0), pair[1].replace(second=0, microsecond=0))
)


@given(
    # Each change of clocks of these zones in 2026 (Beirut's and Santiago's come at midnight, Lord Howe's is half an hour).
    st.sampled_from(
        [
            ("Europe/Berlin", datetime(2026, 3, 29, 1)),
            ("Europe/Berlin", datetime(2026, 10, 25, 1)),
            ("America/New_York", datetime(2026, 3, 8, 7)),
            ("America/New_York", datetime(2026, 11, 1, 6)),
            ("Asia/Beirut", datetime(2026, 3, 28, 22)),
            ("Asia/Beirut", datetime(2026, 10, 24, 21)),
            ("America/Santiago", datetime(2026, 4, 5, 3)),
            ("America/Santiago", datetime(2026, 9, 6, 4)),
            ("Australia/Lord_Howe", datetime(2026, 4, 4, 15)),
            ("Australia/Lord_Howe", datetime(2026, 10, 3, 15)),
            ("Asia/Kolkata", datetime(2026, 7, 1)),
        ]
    ),
    st.integers(-3 * 24 * 60, 2 * 24 * 60),
    st.one_of(st.none(), QUIET.filter(lambda pair: pair[0] != pair[1])),
    st.sets(st.sampled_from(EVERY_DAY), min_size=1),
)
@settings(max_examples=300)
def test_the_next_open_moment_is_the_first_open_minute(place, minutes, quiet, days) -> None:
    zone = ZoneInfo(place[0])
    moment = place[1].replace(tzinfo=UTC) + timedelta(minutes=minutes)
    found = next_open(moment, quiet, days, zone)
    assert not is_quiet(found, quiet, days, zone)
    steps = int((found - moment) / timedelta(minutes=1))
    assert all(is_quiet(moment + timedelta(minutes=step), quiet, days, zone) for step in range(steps))
    assert found == moment + timedelta(minutes=steps)
