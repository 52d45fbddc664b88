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
        ("03-04-2018", "2018-04-03T00:00:00"),
        ("2018.04.03", "2018-04-03T00:00:00"),
        ("2018.04.03 10:15:00", "2018-04-03T10:15:00"),
        ("/Date(1520328600000)/", "2018-03-06T09:30:00"),
        ("/Date(1520328600000+0100)/", "2018-03-06T09:30:00"),
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
    ("value", "iso"),
    [
        ("Thu, 04 Jan 2024 10:00:00 GMT-07:00", "2024-01-04T17:00:00"),
        ("Thu, 04 Jan 2024 10:00:00 UTC+8", "2024-01-04T02:00:00"),
        ("Thu, 04 Jan 2024 10:00 PM GMT-5", "2024-01-05T03:00:00"),
        ("Thu, 04 Jan 2024 10:00:00 +5:30", "2024-01-04T04:30:00"),
        ("Thu, 04 Jan 2024 10:00:00 -0800 (PST)", "2024-01-04T18:00:00"),
        ("Thu, 04 Jan 2024 10:00:00 (GMT)", "2024-01-04T10:00:00"),
        ("Thu Jan 04 2024 10:00:00 GMT+0100 (Central European Standard Time)", "2024-01-04T09:00:00"),
        ("Wed Aug 27 13:08:45 +0000 2008", "2008-08-27T13:08:45"),
        ("Wed Aug 27 13:08:45 GMT+2 2008", "2008-08-27T11:08:45"),
        ("Thu Jan 04 10:00:00 PST 2024", "2024-01-04T18:00:00"),
        ("4 Jan 2024 10:00 CET+1", "2024-01-04T09:00:00"),
        ("Thu, 04 Jan 2024 10:00:00 ET", "2024-01-04T15:00:00"),
        ("Thu, 04 Jul 2024 10:00:00 ET", "2024-07-04T14:00:00"),
        ("July 4, 2024 10:00 am pt", "2024-07-04T17:00:00"),
        ("4 Jan 2024 10:00:00 Eastern Standard Time", "2024-01-04T15:00:00"),
        ("4 Jul 2024 10:00:00 Pacific Time", "2024-07-04T17:00:00"),
        ("2024-01-04 10:00:00 America/New_York", "2024-01-04T15:00:00"),
        ("2024-07-04T10:00:00+02:00[Europe/Paris]", "2024-07-04T08:00:00"),
        ("2024-01-04 10:00:00 \u22120500", "2024-01-04T15:00:00"),
        ("2024-01-04T10:00:00+01:0", "2024-01-04T09:00:00"),
        ("2024-01-04 10:00 +1300", "2024-01-03T21:00:00"),
    ],
)
def test_a_time_zone_is_read_however_it_is_written(value: str, iso: str) -> None:
    assert parse_date(value, NOW) == datetime.fromisoformat(iso + "+00:00")


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("Thurs, 04 Jan 2024 10:00:00 GMT", "2024-01-04T10:00:00"),
        ("Tues, 3 Sept. 2024 10:00 a.m.", "2024-09-03T10:00:00"),
        ("Thurs 5 Sep 2024 10:00", "2024-09-05T10:00:00"),
        ("Wednsday, 4 Sep 2024", "2024-09-04T00:00:00"),
        ("20240131T101500Z", "2024-01-31T10:15:00"),
        ("20240131", "2024-01-31T00:00:00"),
        ("202401311015", "2024-01-31T10:15:00"),
        ("20240131101500", "2024-01-31T10:15:00"),
        (20240131, "2024-01-31T00:00:00"),
        (2024, "2024-01-01T00:00:00"),
        ("2024-031", "2024-01-31T00:00:00"),
        ("January 2024", "2024-01-01T00:00:00"),
        ("2024-01-04T24:00:00Z", "2024-01-05T00:00:00"),
        ("2024-01-04T10:00:60Z", "2024-01-04T10:00:59"),
        ("4 Jan 24", "2024-01-04T00:00:00"),
    ],
)
def test_abbreviations_compact_forms_and_odd_times_are_read(value: object, iso: str) -> None:
    assert parse_date(value, NOW) == datetime.fromisoformat(iso + "+00:00")


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("Di, 06 März 2018 09:30:00 +0100", "2018-03-06T08:30:00"),
        ("Mi, 07 Mär 2018 09:30:00 MEZ", "2018-03-07T08:30:00"),
        ("Mo., 3. Dez. 2018, 14:05 Uhr", "2018-12-03T14:05:00"),
        ("04.01.2024 um 10:30 Uhr", "2024-01-04T10:30:00"),
        ("Di. 6.3.2018", "2018-03-06T00:00:00"),
        ("Montag, 04/01/2024 10:30", "2024-01-04T10:30:00"),
        ("Thursday, 04/01/2024 10:30", "2024-04-01T10:30:00"),
        ("Do, 04/01/2024 10:30", "2024-01-04T10:30:00"),
        ("Thứ Năm, 04/01/2024 - 10:30", "2024-01-04T10:30:00"),
        ("Thu, 04/01/2024 10:30", "2024-04-01T10:30:00"),
        ("4 janvier 2024 à 15h30", "2024-01-04T15:30:00"),
        ("3. Jänner 2018", "2018-01-03T00:00:00"),
        ("jeu. 16 aout 2018 10:00:00 GMT+2", "2018-08-16T08:00:00"),
        ("1er févr. 2024", "2024-02-01T00:00:00"),
        ("mar. 6 nov. 2018", "2018-11-06T00:00:00"),
        ("Mar, 06 Nov 2018 10:00:00 GMT", "2018-11-06T10:00:00"),
        ("martes, 6 de marzo de 2018", "2018-03-06T00:00:00"),
        ("1º de junio de 2024", "2024-06-01T00:00:00"),
        ("lunedì 3 settembre 2018, ore 10:15", "2018-09-03T10:15:00"),
        ("sexta-feira, 9 de março de 2018 às 10:30", "2018-03-09T10:30:00"),
        ("Qui, 05 Out 2023 10:00:00 -0300", "2023-10-05T13:00:00"),
        ("6 mrt. 2018", "2018-03-06T00:00:00"),
        ("6 maart 2018", "2018-03-06T00:00:00"),
        ("Вт, 06 мар 2018 09:30:00 +0300", "2018-03-06T06:30:00"),
        ("пятница, 2 сентября 2016 г. 10:11", "2016-09-02T10:11:00"),
        ("2 września 2016", "2016-09-02T00:00:00"),
        ("5 червня 2024", "2024-06-05T00:00:00"),
        ("2018. március 6.", "2018-03-06T00:00:00"),
        ("6 martie 2018", "2018-03-06T00:00:00"),
        ("30 Haziran 2024", "2024-06-30T00:00:00"),
        ("den 5 juni 2024", "2024-06-05T00:00:00"),
        ("3. kesäkuuta 2024", "2024-06-03T00:00:00"),
        ("6 Μαρτίου 2018", "2018-03-06T00:00:00"),
        ("6 Maret 2018", "2018-03-06T00:00:00"),
        ("6 tháng 3, 2018 10:00", "2018-03-06T10:00:00"),
        ("6 มีนาคม 2018", "2018-03-06T00:00:00"),
        ("6 मार्च 2018", "2018-03-06T00:00:00"),
        ("2018년 3월 2일 오후 3:30", "2018-03-02T15:30:00"),
        ("2024年1月4日15时5分", "2024-01-04T15:05:00"),
    ],
)
def test_months_are_read_in_the_larger_languages(value: str, iso: str) -> None:
    assert parse_date(value, NOW) == datetime.fromisoformat(iso + "+00:00")


@pytest.mark.parametrize(
    "value",
    ["12", "76", "10:30 2018", "2024031", "5551234", "031231", "24-01-04", "31 Jun 2004", "31 de febrero de 2018", "Issue 12 2018",
     "Vol. 3 No. 4 2018", "May the 4th be with you 2018", "192.168.1.1", "10-20-30-40", "2018/2019", "+1 555 123 4567",
     "2024-01-04 10:00:00 +2500", "Thu, 04 Jan 2024 10:61:00 GMT", 86_400, 20241399, 12.5, -5],
)  # fmt: skip
def test_a_date_that_is_not_understood_is_none_rather_than_a_guess(value: object) -> None:
    assert parse_date(value, NOW) is None


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
