"""Dates in every format or none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.articles.dates import parse_date

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2018-03-06", "2018-03-06T00:00:00"),
        ("2018-03-06T09:30:00Z", "2018-03-06T09:30:00"),
        ("2018-03-06 10:00:00 +0530", "2018-03-06T04:30:00"),
        ("2018-03-06T09:30:00.123456789Z", "2018-03-06T09:30:00.123456"),
        ("Tue, 06 Mar 2018 09:30:00 GMT", "2018-03-06T09:30:00"),
        ("Tue, 06 Mar 2018 09:30:00 EST", "2018-03-06T14:30:00"),
        ("Tue, 06 Mar 2018 09:30:00 XYZ", "2018-03-06T09:30:00"),
        ("March 6, 2018", "2018-03-06T00:00:00"),
        ("6 March 2018 9:30 pm", "2018-03-06T21:30:00"),
        ("3/4/2018", "2018-03-04T00:00:00"),
        ("3.4.2018", "2018-04-03T00:00:00"),
        ("13/02/2018", "2018-02-13T00:00:00"),
        ("2018年3月2日", "2018-03-02T00:00:00"),
        ("20180306", "2018-03-06T00:00:00"),
        ("2018", "2018-01-01T00:00:00"),
        (1520328600, "2018-03-06T09:30:00"),
        (1520328600.0, "2018-03-06T09:30:00"),
        (1520328600000, "2018-03-06T09:30:00"),
        ("1520328600", "2018-03-06T09:30:00"),
        ("1520328600000000", "2018-03-06T09:30:00"),
    ],
)
def test_a_date_is_read_in_any_format(value: object, iso: str) -> None:
    assert parse_date(value, NOW) == datetime.fromisoformat(iso + "+00:00")


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "yesterday", "March 3", "10:30", "0", 0, -1e30, float("nan"), float("inf"), True, [2018], {"a": 1},
     "0001-01-01", "1899-12-31", "9999-12-31T23:59:59-12:00", "2099-01-01", "2018-13-45", "x" * 5000, "1" * 5000, 10**400],
)  # fmt: skip
def test_what_names_no_possible_moment_is_none(value: object) -> None:
    assert parse_date(value, NOW) is None


def test_a_few_hours_ahead_is_a_missing_zone_and_a_week_ahead_is_absurd() -> None:
    assert parse_date(NOW + timedelta(hours=13), NOW) == NOW
    assert parse_date(NOW + timedelta(days=7), NOW) is None


@given(st.datetimes(datetime(1950, 1, 1), datetime(2026, 6, 30), timezones=st.timezones()))
def test_iso_dates_survive_exactly(moment: datetime) -> None:
    moment = moment.astimezone(UTC)
    if moment.timestamp():
        assert parse_date(moment.isoformat(), NOW) == moment


@given(st.one_of(st.text(), st.from_regex(r"[\d/.:, TZ+-]{1,30}"), st.floats(), st.integers()))
def test_garbage_never_raises_and_never_lies_in_the_future(value: object) -> None:
    moment = parse_date(value, NOW)
    assert moment is None or (moment.tzinfo is UTC and moment <= NOW)
