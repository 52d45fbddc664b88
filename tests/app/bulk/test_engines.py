"""Bulk work on processes of this machine: the same result from any number, a worker that dies is replaced."""

from pathlib import Path

import pytest

from tests.support.works import upper
from tierbot.app.bulk import Parts, Shard, Work, WorkerLostError, engine_of, lines_in, whole_run
from tierbot.domain.nouns import TierbotError

WORDS = [f"word {number} of a line" for number in range(23)]


def work_in(folder: Path) -> Work:
    return Work("tests.support.works:upper", str(folder).encode())


def shards(lines: list[str], size: int = 2) -> list[Shard]:
    return [
        Shard(number, lines[start : start + size], f"lines {start + 1} to {start + size}")
        for number, start in enumerate(range(0, len(lines), size))
    ]


def run(lines: list[str], folder: Path, workers: int = 2) -> list[str]:
    out = folder / "out"
    parts = Parts(out, {"work": "upper"})
    count = whole_run(work_in(folder), shards(lines), engine_of("local", workers), parts, lambda _done, _before: None)
    parts.join(count)
    assert not parts.folder.exists()
    return lines_in(out)


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_lines_in_order(tmp_path: Path, workers: int) -> None:
    assert run(WORDS, tmp_path, workers) == upper(str(tmp_path).encode())(WORDS)


def test_what_a_worker_had_when_it_died_is_done_by_another(tmp_path: Path) -> None:
    lines = [*WORDS[:9], "die once", *WORDS[9:]]
    assert run(lines, tmp_path) == [line.upper() for line in lines]
    assert (tmp_path / "died").exists()


def test_a_shard_that_kills_every_worker_is_named_and_what_is_done_stays(tmp_path: Path) -> None:
    with pytest.raises(WorkerLostError, match=r"lines 7 to 8: 4 workers in a row.*Finished parts are saved"):
        run([*WORDS[:6], "die", *WORDS[6:]], tmp_path, workers=1)
    parts = Parts(tmp_path / "out", {"work": "upper"})
    assert parts.has(0)
    assert not parts.has(3)


def test_work_that_cannot_be_done_says_so_at_once_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(TierbotError, match=r"^This line cannot be worked on\. Take it out\.$"):
        run(["refuse", *WORDS], tmp_path)


def test_begun_again_only_what_is_missing_is_done_and_the_result_is_the_same(tmp_path: Path) -> None:
    whole = run(WORDS, tmp_path)
    parts = Parts(tmp_path / "out", {"work": "upper"})
    for number in (1, 4, 5):
        parts.write(number, whole[2 * number : 2 * number + 2])
    (tmp_path / "worked").unlink()
    assert run(WORDS, tmp_path) == whole
    redone = {line.split(" ", 1)[1] for line in (tmp_path / "worked").read_text().splitlines()}
    assert redone == {shard.lines[0] for shard in shards(WORDS) if shard.number not in {1, 4, 5}}


def test_the_beginning_of_other_work_is_not_gone_on_with(tmp_path: Path) -> None:
    Parts(tmp_path / "out", {"work": "upper", "file": "a.jsonl"})
    with pytest.raises(TierbotError, match=r"out\.parts contains an unfinished run"):
        Parts(tmp_path / "out", {"work": "upper", "file": "b.jsonl"})


def test_input_is_read_as_workers_get_free_and_not_all_at_once(tmp_path: Path) -> None:
    read = 0

    def counted():
        nonlocal read
        for shard in shards([f"line {number}" for number in range(200)]):
            read += 1
            yield shard

    found = engine_of("local", 1).done(work_in(tmp_path), counted())
    next(found)
    assert read <= 4
    found.close()


@pytest.mark.parametrize(
    ("engine", "workers", "said"),
    [
        ("slurm", None, "Unknown engine 'slurm'. Use local or ray"),
        ("local", 0, "--workers 0: use 1 or more"),
    ],
)
def test_an_engine_that_there_is_none_of_is_one_clear_sentence(engine: str, workers: int | None, said: str) -> None:
    with pytest.raises(TierbotError, match=said):
        engine_of(engine, workers)
