"""Crowd data from CSV: what is read, and how each mistake is named."""

import gzip
import re
from pathlib import Path

import pytest

from tierbot.adapters.files.crowd_files import read_truth, read_votes
from tierbot.domain.feedback.crowd.table import CrowdError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "votes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_may_stand_in_any_order_beside_others(tmp_path: Path) -> None:
    table = read_votes(written(tmp_path, "Label, worker,when,item\nx,w1,today,a\n\nx,w2,today,a\n"))
    assert (table.items, table.workers, table.labels, table.votes) == (("a",), ("w1", "w2"), ("x",), 2)


def test_a_byte_order_mark_and_quoted_commas_are_no_trouble(tmp_path: Path) -> None:
    table = read_votes(written(tmp_path, '\ufeffitem,worker,label\r\n"a, b",w1,x\r\n'))
    assert table.items == ("a, b",)


def test_a_gzipped_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv.gz"
    path.write_bytes(gzip.compress(b"item,truth\na,x\n"))
    assert read_truth(path) == {"a": "x"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "votes.csv:1: the file is empty"),
        ("item,worker\na,w1\n", "votes.csv:1: no column 'label'"),
        ("item,worker,label\n", "has no votes"),
        ("item,worker,label\na,w1,x\na,w2\n", "votes.csv:3: 2 columns, but the header has 3"),
        ("item,worker,label\na,,x\n", "votes.csv:2: the worker is empty"),
        ('item,worker,label\na,w1,"x\n', "is not CSV"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(CrowdError, match=re.escape(error)):
        read_votes(written(tmp_path, text))


def test_crowd_kits_own_columns_are_read(tmp_path: Path) -> None:
    assert read_votes(written(tmp_path, "task,worker,label\na,w1,x\n")).items == ("a",)
    assert read_truth(written(tmp_path, "task,truth\na,x\n")) == {"a": "x"}


def test_two_truths_for_one_item_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CrowdError, match=re.escape("votes.csv:3: item 'a' is 'y' here and 'x' above")):
        read_truth(written(tmp_path, "item,truth\na,x\na,y\n"))


def test_a_missing_file_and_a_binary_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(CrowdError, match=r"nowhere\.csv: cannot be read \(No such file"):
        read_votes(tmp_path / "nowhere.csv")
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(CrowdError, match="is not UTF-8"):
        read_votes(path)
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(b"not gzip")
    with pytest.raises(CrowdError, match="cannot be read"):
        read_votes(damaged)
