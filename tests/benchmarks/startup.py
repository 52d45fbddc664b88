"""What commands cost before they do anything: CPU seconds (user and system) of a fresh process, the least of some runs.

    python -m tests.benchmarks.startup [--repeats 5] [--database URL] [--json]

`status` needs a database: one is made with three posts in it, unless --database names one.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import build_harness

COMPLETING = {"COMP_WORDS": "tierbot mod", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "tierbot mod"}
SHELLS = ("bash", "zsh", "fish")
COMMANDS = (["--help"], ["--version"], ["tags", "list"], ["status"])


def cpu_seconds(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> float:
    """Return what one run of a command takes; raises CalledProcessError if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = "import sys; sys.argv[0] = 'tierbot'; from tierbot.cli import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    subprocess.run(command, env={**os.environ, **environment}, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def database_in(folder: Path) -> str:
    """Make a small database in a folder and return its URL."""
    harness = build_harness(folder)
    for ts in harness.posts(3):
        harness.react("UANNA", ts, harness.emoji(ts))
    harness.settle()
    harness.bot.close()
    return f"sqlite:///{folder}/test.db"


def main() -> None:
    """Print one line a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--database", help="what `tierbot status` reads")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="tierbot-startup-") as made:
        folder = Path(made)
        environment = {"DATABASE_URL": options.database or database_in(folder)}
        runs = [(" ".join(["tierbot", *arguments]), arguments, environment) for arguments in COMMANDS]
        runs += [(f"completion, {one}", [], {**COMPLETING, "_TIERBOT_COMPLETE": f"complete_{one}"}) for one in SHELLS]
        for name, arguments, given in runs:
            seconds = round(min(cpu_seconds(arguments, given, folder) for _ in range(options.repeats)), 3)
            print(json.dumps({"command": name, "cpu_seconds": seconds}) if options.json else f"{name:20} {seconds:.3f}")


if __name__ == "__main__":
    main()
