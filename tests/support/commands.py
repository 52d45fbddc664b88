"""Runs tierbot's commands in processes of their own, without importing tierbot anew for each.

They are forked from a server that has imported everything: that is four fifths of what a short command costs. All else is
as from a shell: arguments, environment, folder, output, signals, exit status. Where the imports matter, use a subprocess.
"""

import atexit
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import stepped_clock
from tests.support.mutants import MUTANT, become

_IMPORTED = (
    "tierbot.cli.app",
    "tierbot.app.bootstrap",
    "tierbot.app.serving",
    "tierbot.adapters.feeds.reader",
    "tierbot.domain.predict.classifier",
    "tierbot.domain.training.fit",
    "sklearn.linear_model",
    "psycopg",
)
_PATIENCE = 300.0


def _context() -> "multiprocessing.context.ForkServerContext":
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED))
    return context


class Command:
    """A running command; the methods are those of subprocess.Popen."""

    def __init__(
        self, arguments: Sequence[object], *, cwd: Path, env: Mapping[str, str], out: Path, errors: Path | None = None
    ) -> None:
        """Start it. `errors`: the file for standard error; None: the same as for standard output."""
        self.args = [str(one) for one in arguments]
        for path in {out, errors or out}:
            path.touch()
        self._process = _context().Process(
            target=_run, args=(self.args, str(cwd), dict(env), str(out), str(errors or out))
        )
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float = _PATIENCE) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self._process.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run_command(
    arguments: Sequence[object], *, cwd: Path, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with an empty standard input."""
    with TemporaryDirectory(prefix="tierbot-command-") as name:
        out, errors = Path(name, "out"), Path(name, "errors")
        running = Command(arguments, cwd=cwd, env=env, out=out, errors=errors)
        try:
            status = running.wait()
        finally:
            running.kill()
        return subprocess.CompletedProcess(running.args, status, out.read_text("utf-8"), errors.read_text("utf-8"))


def _run(arguments: Sequence[str], folder: str, environment: Mapping[str, str], out: str, errors: str) -> None:
    """Be the command: in the forked process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, (path, mode) in enumerate(((os.devnull, os.O_RDONLY), (out, flags), (errors, flags))):
        given = os.open(path, mode, 0o644)
        os.dup2(given, number)
        os.close(given)
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if mutant := environment.get(MUTANT):
        become(mutant)
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    sys.argv = ["tierbot", *arguments]
    if file := environment.get(stepped_clock.SETTING):
        stepped_clock.install(file)
    os._exit(_end_as_interpreter(_status_of_main()))


def _status_of_main() -> int:
    from tierbot.cli import main  # in the forked process alone

    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        return 1
    except BaseException:  # noqa: BLE001 - a command that ends in a traceback
        traceback.print_exc()
        return 1
    return 0


def _end_as_interpreter(status: int) -> int:
    """Join threads, run exit functions and free what is left, in the interpreter's order; multiprocessing has another one.

    As there, an error on the way is printed and doesn't change the status.
    """
    try:
        threading._shutdown()
    except Exception:  # noqa: BLE001 - a pool's thread that ends at the same moment (Python's own race)
        traceback.print_exc()
    atexit._run_exitfuncs()
    gc.collect()  # closes databases
    sys.stdout.flush()
    sys.stderr.flush()
    return status
