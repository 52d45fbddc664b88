"""Archives from disk and standard input: bounded, told apart by content, with each fault named."""

import gzip
import io
import json
import sys
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tierbot.adapters.files.archives import ReadReport, read_archive
from tierbot.domain.articles.rows import LONGEST_LINE, ArchiveError

NOW = datetime(2026, 7, 1, tzinfo=UTC)
STORY = b'{"id": "1", "title": "One"}\n'


def titles(path: Path, *, strict: bool = True, report: ReadReport | None = None) -> list[str]:
    return [row.title for row in read_archive(path, now=NOW, strict=strict, report=report)]


def test_gzip_and_format_are_seen_from_the_content_whatever_the_name(tmp_path: Path) -> None:
    jsonl, csv = tmp_path / "stories.csv", tmp_path / "stories"
    jsonl.write_bytes(gzip.compress(STORY))
    csv.write_bytes(b"title,url\nTwo,https://e.com\n")
    assert titles(jsonl) == ["One"]
    assert titles(csv) == ["Two"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON", "a.json.gz"])
def test_a_file_that_is_named_as_json_gets_advice_about_json(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"Only words\nand more words\n")
    with pytest.raises(ArchiveError, match=r":1: the row is not valid JSON .*; write one JSON object per line\.$"):
        titles(tmp_path / name)


def test_a_bad_first_line_before_json_lines_is_a_bad_row_whatever_the_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"# exported on Monday\n" + STORY)
    report = ReadReport()
    assert titles(tmp_path / "a", strict=False, report=report) == ["One"]
    assert (report.bad, report.examples[0].line) == (1, 1)


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(STORY * 2))))
    assert titles(Path("-")) == ["One", "One"]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert titles(tmp_path / "empty") == []


def test_strict_reading_stops_at_the_first_bad_row_with_file_line_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(STORY + b"{oops\n" + STORY)
    read = read_archive(path, now=NOW)
    assert next(read).title == "One"
    with pytest.raises(
        ArchiveError, match=r"a\.jsonl:2: the row is not valid JSON .*; write one JSON object per line\.$"
    ):
        next(read)


def test_lenient_reading_counts_bad_rows_keeps_examples_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((b"{oops\n" * 20) + STORY)
    report = ReadReport()
    assert titles(path, strict=False, report=report) == ["One"]
    assert (report.rows, report.bad, len(report.examples)) == (1, 20, 5)
    assert report.examples[0].line == 1


def test_another_encoding_is_noted_once_and_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("title\nplain\nCafé\nNoël\n".encode("cp1252"))
    report = ReadReport()
    assert titles(path, report=report) == ["plain", "Café", "Noël"]
    assert report.notes == [f"{path}:3: isn't UTF-8; such lines are read as Windows-1252."]


def test_a_duplicate_id_is_noted_and_no_row_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(STORY + b'{"id": "1", "title": "Other"}\n' * 2)
    report = ReadReport()
    assert titles(path, report=report) == ["One", "Other", "Other"]
    assert report.notes == [f"{path}:2: id '1' is repeated; the url or title identifies a row."]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x7fELF\0\0\0", r"binary file\. Use JSON lines or CSV"),
        (b"1,Story,https://e.com\n", r"has no title or text column"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strict", [True, False])
def test_a_file_that_is_no_archive_is_refused_in_both_modes(
    tmp_path: Path, data: bytes, says: str, strict: bool
) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ArchiveError, match=says):
        titles(tmp_path / "a", strict=strict)


def test_an_archive_with_more_rows_than_can_be_kept_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("title\none\ntwo\nthree\n")
    rows = read_archive(tmp_path / "a", now=NOW, most=2)
    assert [next(rows).title, next(rows).title] == ["one", "two"]
    with pytest.raises(ArchiveError, match=r"a has more than 2 rows.*tail -n 2 FILE > PART"):
        next(rows)


@pytest.mark.parametrize("value", ["5", "true", "1.5"])
def test_a_number_in_place_of_a_title_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    (tmp_path / "a").write_text('{"title": "one"}\n{"title": ' + value + "}\n")
    with pytest.raises(ArchiveError, match=r"a:2: the row has a number as its title"):
        titles(tmp_path / "a", strict=True)


@pytest.mark.parametrize("strict", [True, False])
def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path, strict: bool) -> None:
    with pytest.raises(ArchiveError, match=r"missing: there is no such file\. Check the path"):
        titles(tmp_path / "missing", strict=strict)
    with pytest.raises(ArchiveError, match=r"cannot be read \(Is a directory\)"):
        titles(tmp_path, strict=strict)


@pytest.mark.parametrize("damage", ["cut", "flipped", "headless"])
def test_a_damaged_gzip_gives_what_came_before_and_says_where_it_broke(tmp_path: Path, damage: str) -> None:
    rows = b"".join(json.dumps({"title": f"{n} {n**7}"}).encode() + b"\n" for n in range(20_000))
    data = gzip.compress(rows)
    middle = len(data) // 2
    damaged = {
        "cut": data[:middle],
        "flipped": data[:middle] + b"\xff" * 40 + data[middle + 40 :],
        "headless": data[:5],
    }
    path = tmp_path / "a.gz"
    path.write_bytes(damaged[damage])
    with pytest.raises(ArchiveError, match=r"a\.gz:\d+: "):
        titles(path)
    if damage == "cut":
        report = ReadReport()
        assert len(titles(path, strict=False, report=report)) > 5_000
        assert report.bad == 1


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(STORY)
        for _ in range(5):
            file.write(b"x" * LONGEST_LINE)
        file.write(b"\n" + STORY)
    report = ReadReport()
    tracemalloc.start()
    assert titles(path, strict=False, report=report) == ["One", "One"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.examples[0].line == 2
    assert "longer than 32 MB" in report.examples[0].why
    assert peak < 3.5 * LONGEST_LINE  # the line has five times the limit


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.adapters.files.archives._IDS_WATCHED", 100)
    path = tmp_path / "long.jsonl"
    with path.open("w") as file:
        file.writelines(
            json.dumps({"id": f"a{n}", "title": f"Story {n}", "tags": ["food"]}) + "\n" for n in range(8000)
        )
    peaks = []
    for rows in (800, 8000):
        tracemalloc.start()
        report = ReadReport()
        for _, _ in zip(range(rows), read_archive(path, now=NOW, strict=False, report=report), strict=False):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows <= report.rows <= rows + 1
    assert peaks[1] < peaks[0] * 1.2 + 50_000


# --- as spreadsheets and tools write --------------------------------------------------------------

TABLE = "title,category\nThe striker scored twice,soccer\nNew law,law\n"
ROWS = [("The striker scored twice", ("soccer",)), ("New law", ("law",))]


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.replace("\n", "\r\n").encode("utf-8-sig"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.rstrip("\n").replace("\n", "\r").encode(),
        TABLE.encode("utf-16"),
        TABLE.replace("\n", "\r\n").encode("utf-16-le").join([b"\xff\xfe", b""]),
        TABLE.replace("\n", "\r").encode("utf-16"),
        ("sep=;\n" + TABLE.replace(",", ";")).encode(),
        ('\ufeff"sep=\t"\r\n' + TABLE.replace(",", "\t")).encode(),
        TABLE.replace(",", "\t").encode(),
    ],
    ids=[
        "lf",
        "crlf and mark",
        "cr",
        "cr, not at the end",
        "utf-16",
        "utf-16-le",
        "utf-16 cr",
        "sep",
        "sep tab",
        "tsv",
    ],
)
def test_a_table_is_read_as_any_spreadsheet_writes_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    rows = list(read_archive(tmp_path / "a.csv", now=NOW))
    assert [(row.title, row.tags) for row in rows] == ROWS


def test_quotes_in_a_tsv_are_characters_unless_all_of_it_quotes_as_csv_does(tmp_path: Path) -> None:
    loose = 'title\tcategory\n"Big" news\tlaw\n"Unclosed\tlaw\n"Whole"\tlaw\n"Say ""hi"""\tlaw\nThe "Up" film\tlaw\n'
    (tmp_path / "loose.tsv").write_text(loose)
    found = [row.title for row in read_archive(tmp_path / "loose.tsv", now=NOW)]
    assert found == ['"Big" news', '"Unclosed', "Whole", 'Say "hi"', 'The "Up" film']
    quoted = 'title\tcategory\n"Two\nlines"\tlaw\n"A\ttab"\tlaw\n'
    (tmp_path / "quoted.tsv").write_text(quoted)
    assert [row.title for row in read_archive(tmp_path / "quoted.tsv", now=NOW)] == ["Two lines", "A tab"]


def test_a_bad_row_of_a_tsv_is_told_by_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("title\tcategory\nOne\tlaw\nTwo\tlaw\textra\nThree\tlaw\n")
    with pytest.raises(ArchiveError, match=r"a\.tsv:3: the row has 3 columns"):
        list(read_archive(tmp_path / "a.tsv", now=NOW))


@pytest.mark.parametrize(
    ("record", "tags"),
    [
        ({"text": "x", "cats": {"soccer": 1.0, "law": 0.0}}, ("soccer",)),
        ({"text": "x", "labels": {"law": 1, "soccer": 0}}, ("law",)),
        ({"text": "x", "label": "__label__law"}, ("law",)),
        ({"text": "x", "label": "__label__law __label__soccer"}, ("law", "soccer")),
        ({"data": "x", "label": ["soccer"], "Comments": []}, ("soccer",)),
        ({"text": "x", "label": None}, ()),
        ({"text": "x", "label": 3}, ("3",)),
        ({"text": "x", "label": "soccer#law"}, ("soccer", "law")),
        ({"text": "x", "label": "C#"}, ("C#",)),
        ({"text": "x", "label": "soccer", "answer": "accept"}, ("soccer",)),
        ({"text": "x", "label": "soccer", "answer": "reject"}, ()),
        ({"text": "x", "label": "soccer", "answer": "ignore"}, ()),
        ({"text": "x", "options": [{"id": "law"}], "accept": ["law", "soccer"], "answer": "accept"}, ("law", "soccer")),
        ({"text": "x", "options": [{"id": "law"}], "accept": [], "answer": "accept"}, ()),
        ({"question": "Why?", "text": "x", "answer": "Because."}, ()),
    ],
    ids=str,
)
def test_labels_mean_what_their_format_means(tmp_path: Path, record: dict[str, object], tags: tuple[str, ...]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(record))
    (row,) = read_archive(tmp_path / "a.jsonl", now=NOW)
    assert row.tags == tags


def test_an_unknown_answer_of_prodigy_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": "law", "answer": "maybe"}')
    with pytest.raises(
        ArchiveError, match=r"a\.jsonl:1: the row has the answer 'maybe'; Prodigy's are accept, ignore, reject"
    ):
        list(read_archive(tmp_path / "a.jsonl", now=NOW))
