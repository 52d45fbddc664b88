"""Temporary folders end with their process, however that ends, and nobody else's are touched."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.training_jobs import job, verdicts
from tierbot.adapters import temporary
from tierbot.adapters.atomic import drafted, write_whole
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.store import open_store
from tierbot.adapters.store.backup import back_up
from tierbot.adapters.temporary import FORMER, temporary_folder

HOLDS = """
import sys, time
from pathlib import Path
from tierbot.adapters.temporary import temporary_folder
with temporary_folder(Path(sys.argv[1]), "d.csv") as folder:
    (folder / "half").write_text("half of it")
    print(folder, flush=True)
    time.sleep(600)
"""


def holder(parent: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start a process that holds a folder with half a file in it."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(parent)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        return process, Path(process.stdout.readline().strip())


def test_a_folder_is_its_owners_and_gone_in_the_end(tmp_path: Path) -> None:
    with temporary_folder(tmp_path, "x" * 300) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "inside").mkdir()
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_leave_is_removed_by_the_next_export_backup_or_file(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/live.db").close()
    other = tmp_path / ".d.csv.mine.tierbot-part"
    other.write_text("not a folder of ours")
    for number in range(3):
        process, left = holder(tmp_path)
        with drafted(tmp_path / "d.csv") as draft:
            draft.write_text("whole")
        assert (left / "half").exists(), "its process lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert left.exists()
        if number == 0:
            write_whole(tmp_path / "d.csv", b"whole")
        elif number == 1:
            back_up(f"sqlite:///{tmp_path}/live.db", tmp_path / "backup.db")
        else:
            with pytest.raises(ValueError, match="no"), drafted(tmp_path / "e.csv"):
                raise ValueError("no")
        assert not left.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        other.name, "backup.db", "backup.db.sha256", "d.csv", "live.db", "live.db-turn",
    ]  # fmt: skip


def test_a_training_that_was_killed_leaves_nothing_after_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process, _ = holder(tmp_path)
    process.kill()
    process.wait()
    ChildTrainer(300)(job(verdicts(20, 0)))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_what_was_there_before_is_left_to_its_owner(tmp_path: Path) -> None:
    left = tmp_path / ".d.x.tierbot-part"
    (left / FORMER).mkdir(parents=True)
    with temporary_folder(tmp_path, "d"):
        pass
    assert (left / FORMER).exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / ".d.x.tierbot-part").symlink_to(target)
    with temporary_folder(tmp_path, "d"):
        pass
    assert target.exists()


def test_where_files_cannot_be_locked_only_what_is_old_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_lock", lambda _: None)
    fresh, old = tmp_path / ".a.x.tierbot-part", tmp_path / ".b.x.tierbot-part"
    for folder in (fresh, old):
        folder.mkdir()
    os.utime(old, (0, 0))
    with temporary_folder(tmp_path, "d"):
        assert fresh.exists()
        assert not old.exists()
