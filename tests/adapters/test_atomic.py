"""What is exported is whole or not there, whatever happens on the way."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.logged import TEAM, exported, log_store
from tierbot.adapters.atomic import STDOUT, DraftError, drafted


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Let no file of this process grow beyond 20 kB, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    place = tmp_path / "new" / "d.txt"
    with drafted(place) as draft:
        draft.write_text("first")
        assert not place.exists()
    with drafted(place) as draft:
        draft.write_text("second")
        assert place.read_text() == "first"
    assert place.read_text() == "second"
    assert [path.name for path in place.parent.iterdir()] == ["d.txt"]


def test_a_writer_that_raises_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "d.txt"
    place.write_text("before")

    def fail() -> None:
        with drafted(place) as draft:
            draft.write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert place.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["d.txt"]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "hf", "vw", "obp", "label-studio", "argilla", "trl-sft"])
def test_a_disk_that_is_full_leaves_no_half_file(form: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if form in {"parquet", "hf"}:
        pytest.importorskip("datasets", reason="needs pip install '.[export]'")
    store = log_store(400)
    place = tmp_path / "d"

    def write() -> None:
        with drafted(place) as draft:
            exported(store, form, draft)

    request.getfixturevalue("small_disk")
    with pytest.raises(DraftError, match="disk is full"):
        write()
    assert list(tmp_path.iterdir()) == []
    with store.read(TEAM) as tx:
        assert tx.verdicts.cursor() == 400
    store.close()


def test_a_folder_takes_the_place_of_one_like_it_and_of_no_other(tmp_path: Path) -> None:
    place = tmp_path / "d"
    for content in ("1", "2"):
        with drafted(place, replaceable="mark") as draft:
            draft.mkdir()
            (draft / "mark").write_text(content)
    assert (place / "mark").read_text() == "2"
    (place / "mark").rename(place / "photos")
    with pytest.raises(DraftError, match="other files"), drafted(place, replaceable="mark"):
        pass
    assert (place / "photos").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DraftError, match="file/d"), drafted(tmp_path / "file" / "d"):
        pass


def test_a_reader_of_standard_output_that_has_seen_enough_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as closed:
        monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=closed, flush=lambda: None))
        with pytest.raises(BrokenPipeError), drafted(STDOUT) as draft:
            draft.write_bytes(b"x")
