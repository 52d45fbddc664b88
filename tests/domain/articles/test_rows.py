"""Rows of archives under all the names and in all the states they come in."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.articles.rows import ArchiveError, ArchiveFormat, ArchiveRow, BadRow, Line, parse_rows, row_of

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def lines(*texts: str | bytes | None) -> list[Line]:
    return [Line(n, text.encode() if isinstance(text, str) else text) for n, text in enumerate(texts, 1)]


def parse(given_lines: Iterable[Line], form: ArchiveFormat = ArchiveFormat.JSONL) -> list[ArchiveRow | BadRow]:
    return list(parse_rows(given_lines, form, "a.txt", NOW))


def row(**fields: object) -> ArchiveRow:
    made = row_of(fields, 1, NOW)
    assert isinstance(made, ArchiveRow)
    return made


def test_the_huffpost_kaggle_names_are_understood() -> None:
    made = row(
        category="CRIME", headline="A headline", authors="X", link="https://e.com/a", short_description="Words.",
        date="2018-05-26",
    )  # fmt: skip
    assert (made.title, made.text, made.url) == ("A headline", "Words.", "https://e.com/a")
    assert made.tags == ("CRIME",)
    assert made.published_at == datetime(2018, 5, 26, tzinfo=UTC)


@pytest.mark.parametrize("name", ["title", "Headline", "SUBJECT", "Story Title", "name"])
def test_a_title_goes_by_many_names(name: str) -> None:
    assert row(**{name: "x"}).title == "x"


@pytest.mark.parametrize("name", ["published_at", "pubDate", "Published At", "date", "created-utc", "timestamp"])
def test_a_date_goes_by_many_names(name: str) -> None:
    assert row(title="x", **{name: "2018-01-02"}).published_at == datetime(2018, 1, 2, tzinfo=UTC)


def test_the_better_name_wins_and_an_empty_one_does_not_count() -> None:
    assert row(description="second", text="first", title="t").text == "first"
    assert row(description="second", text="", title="t").text == "second"


def test_nested_values_are_reached() -> None:
    made = row(
        title={"value": "T"}, content=[{"value": "one"}, {"value": "two"}], source={"name": "S"}, image={"href": "http://e.com/i"},
        tags=[{"term": "a"}, {"label": "b"}, "a", 7, None],
    )  # fmt: skip
    assert made.text == "one two"
    assert (made.title, made.source, made.image_url) == ("T", "S", "http://e.com/i")
    assert made.tags == ("a", "b", "7")


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("STYLE & BEAUTY", ("STYLE & BEAUTY",)),
        ("law|food", ("law", "food")),
        ("law; food;", ("law", "food")),
        ("law, food", ("law", "food")),
        ("a,b|c", ("a,b", "c")),
        ('["law", "food"]', ("law", "food")),
        ("['law', 'food']", ("law", "food")),
        (["a, b"], ("a, b",)),
        (None, ()),
        ("", ()),
        (["x"] * 9, ("x",)),
    ],
)
def test_tags_come_as_a_list_or_as_one_string(value: object, tags: tuple[str, ...]) -> None:
    assert row(title="t", tags=value).tags == tags


def test_a_row_without_title_and_text_is_bad_and_says_what_to_do() -> None:
    bad = row_of({"url": "https://e.com", "title": " <b></b> "}, 7, NOW)
    assert bad == BadRow(7, "has neither title nor text; add a field named title or text")


def test_a_bad_address_or_date_costs_the_field_not_the_row() -> None:
    made = row(title="t", url="javascript:alert(1)", date="2999-01-01", image="nope")
    assert (made.url, made.published_at, made.image_url) == ("", None, None)


def test_a_ten_megabyte_title_is_cut() -> None:
    [made] = parse(lines(json.dumps({"title": "word " * 2_000_000})))
    assert isinstance(made, ArchiveRow)
    assert len(made.title) <= 300


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"title": "x"', "not valid JSON"),
        ("title,text", "not valid JSON"),
        ('[{"title": "x"}]', "JSON array"),
        ('"title"', "isn't a JSON object"),
        ("42", "isn't a JSON object"),
        ("null", "isn't a JSON object"),
        ("[" * 100_000, "cannot be read"),
        ('{"id": ' + "9" * 5000 + "}", "cannot be read"),
        ("{}", "neither title nor text"),
        (None, "longer than 32 MB"),
    ],
)
def test_a_bad_json_line_says_what_is_wrong_and_the_next_is_read(line: str | None, why: str) -> None:
    bad, good = parse(lines(line, '{"title": "next"}'))
    assert isinstance(bad, BadRow)
    assert why in bad.why
    assert bad.line == 1
    assert isinstance(good, ArchiveRow)
    assert (good.line, good.title) == (2, "next")


def test_byte_order_mark_crlf_and_blank_lines_do_not_matter() -> None:
    made = parse([Line(1, b'\xef\xbb\xbf{"title": "a"}\r'), Line(2, b""), Line(3, b'  {"title": "b"}  ')])
    assert [(r.line, r.title) for r in made if isinstance(r, ArchiveRow)] == [(1, "a"), (3, "b")]


def test_a_line_that_is_not_utf8_is_read_as_windows_1252() -> None:
    [made] = parse(lines('{"title": "Café “au lait”"}'.encode("cp1252")))
    assert isinstance(made, ArchiveRow)
    assert made.title == "Café “au lait”"


def test_lone_surrogates_in_json_become_storable_text() -> None:
    [made] = parse(lines(r'{"title": "a\ud800b", "tags": ["\udfff"], "id": "\ud800"}'))
    assert isinstance(made, ArchiveRow)
    for text in (made.title, *made.tags, made.id):
        text.encode("utf-8")


# --- CSV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_csv_is_read_with_the_delimiter_its_header_shows(mark: str) -> None:
    [made] = parse(lines(f"id{mark}Headline{mark}Link", f"7{mark}Title{mark}https://e.com/a"), ArchiveFormat.CSV)
    assert isinstance(made, ArchiveRow)
    assert (made.id, made.title, made.url, made.line) == ("7", "Title", "https://e.com/a", 2)


def test_a_quoted_cell_may_hold_commas_quotes_and_line_ends() -> None:
    made = parse(lines("title,text", '"a ""b"", c","one', 'two"', "next,x"), ArchiveFormat.CSV)
    assert [(r.title, r.text, r.line) for r in made if isinstance(r, ArchiveRow)] == [
        ('a "b", c', "one two", 3),
        ("next", "x", 4),
    ]


@pytest.mark.parametrize("first", ["1,Some story,https://e.com", "url,date", "x"])
def test_csv_without_a_header_is_refused_with_the_remedy(first: str) -> None:
    with pytest.raises(ArchiveError, match=r"a\.txt:1: the first line has no title or text column.*header such as"):
        parse(lines(first, "y"), ArchiveFormat.CSV)


@pytest.mark.parametrize(
    ("line", "why"),
    [("a,b,c", "has 3 columns, but the header has 2"), ('"a"b,c', "broken CSV"), (",", None), (" , ", None)],
)
def test_a_bad_csv_row_is_told_and_the_next_is_read(line: str, why: str | None) -> None:
    *bad, good = parse(lines("title,text", line, "next,x"), ArchiveFormat.CSV)
    assert isinstance(good, ArchiveRow)
    assert good.title == "next"
    assert [isinstance(b, BadRow) and why is not None and why in b.why for b in bad] == ([True] if why else [])


def test_a_quote_that_is_never_closed_is_told_at_its_end() -> None:
    [bad] = parse(lines("title,text", '"never closed,x', "more"), ArchiveFormat.CSV)
    assert isinstance(bad, BadRow)
    assert "close each quote" in bad.why


def test_a_csv_line_beyond_the_limit_is_told_and_skipped() -> None:
    made = parse([*lines("title", "a"), Line(3, None), Line(4, b"b"), Line(5, None)], ArchiveFormat.CSV)
    assert [r.line for r in made if isinstance(r, BadRow)] == [3, 5]
    assert [r.title for r in made if isinstance(r, ArchiveRow)] == ["a", "b"]


def test_a_short_row_misses_fields_and_empty_input_has_no_rows() -> None:
    [made] = parse(lines("title,text,url", "only"), ArchiveFormat.CSV)
    assert isinstance(made, ArchiveRow)
    assert made.text == ""
    assert parse(lines("", "  "), ArchiveFormat.CSV) == []
    assert parse([]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["title", "text", "url", "date", "tags", "image", "source", "id", "x"]), JSON))
def test_any_record_gives_a_row_that_can_be_stored_or_a_reason(record: dict[str, object]) -> None:
    made = row_of(record, 1, NOW)
    if isinstance(made, ArchiveRow):
        assert made.title or made.text
        " ".join([made.id, made.title, made.text, made.url, made.source, *made.tags]).encode("utf-8")


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_any_bytes_are_read_without_a_crash(data: list[bytes]) -> None:
    given_lines = [Line(n, piece.replace(b"\n", b"")) for n, piece in enumerate(data, 1)]
    for made in parse(given_lines):
        assert isinstance(made, ArchiveRow | BadRow)
    assert all(
        isinstance(made, ArchiveRow | BadRow) for made in parse([Line(0, b"title,x"), *given_lines], ArchiveFormat.CSV)
    )


def test_a_carriage_return_within_a_header_is_no_fault() -> None:
    lines = [Line(1, b"sep=;"), Line(2, b"title;tags\r;url"), Line(3, b"A law;law;https://e.com/1")]
    (row,) = parse_rows(lines, ArchiveFormat.CSV, "x.csv", NOW)
    assert isinstance(row, ArchiveRow)
    assert (row.title, row.tags, row.url) == ("A law", ("law",), "https://e.com/1")
