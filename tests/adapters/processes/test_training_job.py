"""Orders and outcomes as files, and the child process that reads and writes them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.worlds import ENCODER, TAG_IDS, TAGS, features, texts
from tierbot.adapters.atomic import write_whole
from tierbot.adapters.processes.training_job import (
    TrainingInterruptedError,
    read_job,
    read_result,
    write_failure,
    write_job,
    write_result,
)
from tierbot.domain.nouns import TierbotError
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.tensors import ModelFileError
from tierbot.domain.training.evidence import Logged
from tierbot.domain.training.fit import FitSettings
from tierbot.domain.training.retrain import TrainingJob, train_challenger
from tierbot.domain.training.rows import labeled_rows

PRIOR = coldstart(TAGS, ENCODER.encode)


def order(count: int = 60) -> TrainingJob:
    some, topics = texts(count, np.random.default_rng(0))
    rows = labeled_rows([{topic: 1.0} for topic in topics], features(some, ["https://a.example/x"] * count), TAG_IDS)
    rows = replace(rows, keys=np.arange(1, count + 1, dtype=np.uint64))
    return TrainingJob(
        verdicts=rows,
        unbiased=np.arange(count) % 3 == 0,
        prior=PRIOR,
        champion=PRIOR,
        encoder_digest="digest",
        parent="m0003",
        logged=Logged(np.full(count, 0.5), np.full(count, 0.9), np.zeros(count, dtype=np.int64)),
        bootstrap=rows.take(np.arange(5)),
        seed=4,
        cursor={"ledger": 99},
        settings=FitSettings(c=0.2),
    )


def child(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tierbot.adapters.processes.training_child", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.parametrize("whole", [True, False])
def test_an_order_comes_back_from_its_file(tmp_path: Path, whole: bool) -> None:
    job = order() if whole else replace(order(), champion=None, bootstrap=None, parent=None, logged=None)
    write_job(job, tmp_path / "job")
    back = read_job(tmp_path / "job")
    assert [part is None for part in (back.champion, back.bootstrap, back.logged)] == [not whole] * 3
    assert (back.seed, back.parent, back.imported, back.settings) == (4, job.parent, job.imported, FitSettings(c=0.2))
    assert np.array_equal(back.unbiased, job.unbiased)
    here = train_challenger(job).classifier.card
    assert train_challenger(back).classifier.card["data"] == here["data"]
    evidence = train_challenger(back).classifier.card["metrics"]["off_policy"]
    assert not whole or evidence["champion"]["ips"] == here["metrics"]["off_policy"]["champion"]["ips"]


def test_the_child_makes_the_model_that_the_parent_would(tmp_path: Path) -> None:
    write_job(order(), tmp_path / "job")
    done = child(tmp_path / "job", tmp_path / "result")
    assert done.returncode == 0, done.stderr
    found, here = read_result(tmp_path / "result"), train_challenger(order())
    counts = ("promote", "n", "wins", "losses", "challenger", "champion", "worse", "forgotten")
    assert [getattr(found.decision, name) for name in counts] == [getattr(here.decision, name) for name in counts]
    assert found.decision.gain == pytest.approx(here.decision.gain, abs=1e-3)
    assert np.log(found.decision.e_value) == pytest.approx(np.log(here.decision.e_value), abs=0.01)
    assert np.allclose(found.classifier.dense, here.classifier.dense, atol=1e-4)
    assert found.classifier.card["data"] == here.classifier.card["data"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["job", "result"]


def test_the_child_says_in_one_sentence_why_there_is_no_model(tmp_path: Path) -> None:
    job = order()
    write_job(replace(job, verdicts=job.verdicts.times(0), bootstrap=None), tmp_path / "job")
    assert child(tmp_path / "job", tmp_path / "result").returncode == 1
    with pytest.raises(TierbotError, match="There are no labels"):
        read_result(tmp_path / "result")


def test_a_damaged_order_is_told(tmp_path: Path) -> None:
    write_job(order(), tmp_path / "job")
    (tmp_path / "job").write_bytes((tmp_path / "job").read_bytes()[:-9])
    assert child(tmp_path / "job", tmp_path / "result").returncode == 1
    with pytest.raises(TierbotError, match="damaged"):
        read_result(tmp_path / "result")


def test_the_child_explains_its_use() -> None:
    done = child()
    assert done.returncode == 2
    assert "JOB_FILE RESULT_FILE" in done.stderr


def test_the_child_never_imports_torch() -> None:
    code = "import sys, tierbot.adapters.processes.training_child as c; c.main(['nowhere', sys.argv[1]]); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, os.devnull + "/x"], capture_output=True, check=False)
    assert b"Error" in done.stderr  # a result cannot be written there: the modules were all imported
    fine = "import sys, tierbot.domain.training.retrain, tierbot.adapters.processes.training_job; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", fine], check=False).returncode == 0


def test_a_child_that_was_killed_left_no_result_and_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainingInterruptedError, match=r"Nothing was changed"):
        read_result(tmp_path / "result")


def test_a_result_that_breaks_off_is_refused(tmp_path: Path) -> None:
    write_result(train_challenger(order()), tmp_path / "result")
    whole = (tmp_path / "result").read_bytes()
    (tmp_path / "result").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match="damaged"):
        read_result(tmp_path / "result")


def test_a_failure_is_passed_on_in_its_own_words(tmp_path: Path) -> None:
    write_failure("The moon is full.", tmp_path / "result")
    with pytest.raises(TierbotError, match=r"^The moon is full\.$"):
        read_result(tmp_path / "result")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(tmp_path / "file", b"before")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
