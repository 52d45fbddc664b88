"""Tables in every form that spreadsheets and tools save, and labels that are numbers."""

import gzip
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.support.consumers import consumer
from tests.support.imports import Read, read
from tierbot.adapters.files.class_names import read_names
from tierbot.domain.articles.rows import ArchiveError
from tierbot.domain.nouns import TierbotError


def doubled(cell: str) -> str:
    return cell.replace('"', '""')


def tables() -> Iterator[tuple[str, bytes]]:
    """Yield the same table, of 3 rows, in every form that a spreadsheet or tool saves it in."""
    rows = [("id", "text", "label"), ("1", 'The "striker", scored', "food"), ("2", "New law", "law"), ("3", "None", "")]
    marks, ends, codes = (
        {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"},
        ("\n", "\r\n", "\r"),
        ("utf-8", "utf-8-sig", "utf-16"),
    )
    for (name, mark), end, code, whole, quoted in product(marks.items(), ends, codes, (True, False), (True, False)):
        lines = [
            mark.join(f'"{doubled(cell)}"' if quoted or {mark, '"'} & set(cell) else cell for cell in row)
            for row in rows
        ]
        text = end.join(lines) + (end if whole else "")
        yield f"{name} {end!r} {code} {'' if whole else 'unended'} {'quoted' if quoted else ''}", text.encode(code)


TABLES = dict(tables())


@pytest.mark.parametrize("data", TABLES.values(), ids=TABLES)
def test_a_table_in_any_form_is_read_to_the_same_labels(tmp_path: Path, data: bytes) -> None:
    for content in (data, gzip.compress(data)):
        found = read(tmp_path, content)
        assert (found.labels, found.report.rows, found.report.bad) == ([{"food"}, {"law"}], 3, 0)


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ("text,label\nx,__label__law\n", [{"law"}]),
        ("text,label\nx,law#food\n", [{"law", "food"}]),
        ("text,label\nx,3.0\n", [{"food"}]),
        ("text,label\nx,3\n", [{"food"}]),
        ("label,text\n3,x\n1,y\n", [{"food"}, {"law"}]),
        ('text,label\nx,"{""law"": 1, ""food"": 0}"\n', [{"law"}]),
        ('text,label\nx,"[""law"", ""food""]"\n', [{"law", "food"}]),
        ("text,category\nx,Law > Courts\n", [{"law"}]),
        ("sep=;\ntext;label\nx;law\n", [{"law"}]),
        ("annotation_id,annotator,id,mood,text\n1,2,3,law,x\n", [{"law"}]),
        ('annotation_id,annotator,id,mood,text\n1,2,3,"{""choices"":[""law"",""food""]}",x\n', [{"law", "food"}]),
        ('annotation_id,annotator,id,tax,text\n1,2,3,"[{""taxonomy"":[[""Leisure"",""food""]]}]",x\n', [{"food"}]),
        ("annotation_id,annotator,id,mood,text\n1,2,3,law,x\n2,3,3,law,x\n3,4,3,food,x\n4,2,4,food,y\n", [{"law"}, {"food"}]),
        ('text,label\r"Two\nlines",law\ry,food\r', [{"law"}, {"food"}]),
        ("text,label\r\r\nx,law\r\r\ny,food\r\r\n", [{"law"}, {"food"}]),
        ("text,label\nx\ry,law\n", [{"law"}]),
        ("text,la\rbel,label\nx,,law\n", [{"law"}]),
        ("__label__law New law\n__label__food __label__law Bread\nNo label\n", [{"law"}, {"law", "food"}]),
    ],
)  # fmt: skip
def test_a_table_of_a_tool_is_read_to_its_labels(tmp_path: Path, table: str, labels: list[set[str]]) -> None:
    found = read(tmp_path, table, names={"1": "law", "3": "Food"})
    assert found.labels == labels
    assert found.faults == []


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01",
        b"PAR1 but no more",
        b"one,two\n1,2\n",
        b"[{]",
        b'["text"]',
        b"[" * 5000,
        gzip.compress(b"[{]", mtime=0),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ArchiveError, match="archive"):
        read(tmp_path, content)


def test_an_array_may_be_gzipped_and_in_utf_16(tmp_path: Path) -> None:
    text = json.dumps([{"text": "x", "label": "law"}])
    for data in (text.encode("utf-16"), text.encode("utf-8-sig"), gzip.compress(text.encode())):
        assert read(tmp_path, data).labels == [{"law"}]


# --- numbers that stand for labels -----------------------------------------------------------------


def test_integer_labels_are_mapped_by_number_or_by_name(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps({"text": f"x{label}", "label": label}) for label in (0, 1, 2, 1.0))
    assert read(tmp_path, lines).understood.unknown == {"0": 1, "1": 2, "2": 1}
    assert read(tmp_path, lines, renamed={"0": "law"}).labels == [{"law"}]
    named = read(tmp_path, lines, names={"0": "Law", "1": "Bread", "2": "space"}, renamed={"Bread": "food"})
    assert named.labels == [{"law"}, {"food"}, {"space"}, {"food"}]


def test_parquet_that_is_damaged_in_the_middle_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow (pip install '.[export]')")
    from pyarrow import parquet

    path = tmp_path / "d.parquet"
    table = pa.table({"text": [f"x{n}" for n in range(1000)], "label": ["law"] * 1000})
    parquet.write_table(table, path, row_group_size=500, compression="zstd")
    second = parquet.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = second.dictionary_page_offset or second.data_page_offset
    data[start : start + second.total_compressed_size] = bytes(second.total_compressed_size)
    path.write_bytes(data)
    found = Read(path)
    assert (len(found.labels), found.report.rows, found.report.bad) == (500, 500, 1)
    assert found.faults[0].startswith("501: and those after it are damaged")


def test_class_labels_of_a_parquet_file_have_their_names(tmp_path: Path) -> None:
    datasets = consumer("datasets", "4.0")
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["law", "food"]),
            "topics": datasets.Sequence(datasets.ClassLabel(names=["space", "law"])),
        }
    )
    for column, given_labels, labels in (
        ("label", [0, 1, -1], [{"law"}, {"food"}]),
        ("topics", [[0], [0, 1], []], [{"space"}, {"space", "law"}]),
    ):
        some = datasets.Features({name: features[name] for name in ("text", column)})
        table = datasets.Dataset.from_dict({"text": ["x", "y", "z"], column: given_labels}, features=some)
        table.to_parquet(str(tmp_path / "d.parquet"))
        found = Read(tmp_path / "d.parquet")
        assert (found.labels, found.adds_up(), found.understood.unlabeled) == (labels, True, 1)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("law\nfood\n", {"0": "law", "1": "food"}),
        ('["law", "food"]', {"0": "law", "1": "food"}),
        ('{"1": "law", "2": "food"}', {"1": "law", "2": "food"}),
        ('{"id2label": {"0": "law"}, "model_type": "bert"}', {"0": "law"}),
    ],
)
def test_names_of_labels_are_read_as_tools_write_them(tmp_path: Path, content: str, names: dict[str, str]) -> None:
    (tmp_path / "names").write_text(content)
    assert read_names(tmp_path / "names") == names


@pytest.mark.parametrize("content", [b"{]", b'{"law": 0}', b'{"id2label": 5}', b"[1]", b"\xff\xfe\x00", None])
def test_names_that_are_none_are_refused_by_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "names").write_bytes(content)
    with pytest.raises(TierbotError, match=r"names: .*(per line)"):
        read_names(tmp_path / "names")
