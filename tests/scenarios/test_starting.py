"""Commands that can't start, as processes of their own: one line that says why, and the documented status."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import PATIENCE, World, wait_until
from tests.support.commands import Command, run_command


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Yield a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        yield listening


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with all that a command needs, but no Slack."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-1-2-abc",
        "SLACK_APP_TOKEN": "xapp-1-A1-2-abc",
        "SLACK_SIGNING_SECRET": "secret",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "TIERBOT_CHANNEL": "C0123456789",
        "TIERBOT_ENCODER": "hashing",
        "DATABASE_URL": f"sqlite:///{folder}/bot.db",
        **more,
    }


@pytest.mark.parametrize("command", [("run",), ("worker",), ("web", "--port", "0")], ids=lambda given: given[0])
def test_sigterm_while_slack_is_unreachable_ends_a_process_with_0(
    command: tuple[str, ...], tmp_path: Path, database_url: str
) -> None:
    log = tmp_path / "log"
    process = Command(command, cwd=tmp_path, env=environment(tmp_path, DATABASE_URL=database_url), out=log)
    wait_until(lambda: "Not connected to Slack yet; trying again in 1 s." in log.read_text(), "a first attempt")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert "tierbot: Stopped before Slack was reached. auth.test: no usable answer" in log.read_text()
    assert "Traceback" not in log.read_text()
    assert "ERROR" not in log.read_text()


def test_sigterm_while_slack_doesnt_answer_ends_a_process_with_0(tmp_path: Path, silent: socket.socket) -> None:
    log = tmp_path / "log"
    given = environment(tmp_path, SLACK_API_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/api/")
    process = Command(("run",), cwd=tmp_path, env=given, out=log)
    asked, _ = silent.accept()
    with asked:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0, "the time limit of a call to Slack is 15 s"
    assert "tierbot: Stopped before Slack was reached: it hasn't answered yet." in log.read_text()
    assert "Traceback" not in log.read_text()


WAITS_IN_AN_IMPORT = """
import os, runpy, sys, time
place, arguments = sys.argv[1], sys.argv[2:]
class Finder:
    def find_spec(self, name, *_):
        if name == place:
            os.write(1, b"importing")
            while True:
                try:
                    time.sleep(60)
                except SystemExit:  # as code does that must not fail because a package can't be imported
                    return None
sys.meta_path.insert(0, Finder())
sys.argv = ["tierbot", *arguments]
runpy.run_module("tierbot", run_name="__main__")
"""


def stopped_in_an_import(folder: Path, place: str, number: signal.Signals, *command: str) -> tuple[int, str]:
    """Send a signal to a command that is importing a module; return its status and what it wrote to standard error."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITS_IN_AN_IMPORT, place, *command],
        cwd=folder,
        env={**os.environ, **environment(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.read(9) == "importing"
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("tierbot.cli.streams", ("run",)),
        ("typer", ("--env-file", "none.env", "web")),
        ("tierbot.app.health", ("worker",)),
        ("tierbot.app.bootstrap", ("worker", "--metrics-port", "0")),
        ("slack_bolt", ("run",)),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_signal_while_python_imports_ends_a_process_with_0(
    place: str, command: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    status, errors = stopped_in_an_import(tmp_path, place, number, *command)
    assert (status, errors) == (0, "tierbot: Stopped while it was starting.\n")


def test_another_command_that_is_stopped_while_python_imports_does_not_end_with_0(tmp_path: Path) -> None:
    assert stopped_in_an_import(tmp_path, "typer", signal.SIGTERM, "status") == (-signal.SIGTERM, "")
    assert stopped_in_an_import(tmp_path, "typer", signal.SIGINT, "status") == (130, "")


@pytest.mark.parametrize("command", ["run", "status"])
@pytest.mark.parametrize("port", ["notaport", "99999", "5432:1"])
def test_a_wrong_port_in_the_databases_url_is_one_line(command: str, port: str, tmp_path: Path) -> None:
    given = environment(tmp_path, DATABASE_URL=f"postgresql://ann:s3cret@127.0.0.1:{port}/tierbot")
    done = run_command([command], cwd=tmp_path, env=given)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("tierbot: DATABASE_URL: its host or port isn't valid; a port is a number from 1 to 65535.")
    assert "s3cret" not in line


def test_a_wrong_app_token_is_one_line(world: World) -> None:
    world.environment |= {"SLACK_APP_TOKEN": "xapp-1-A0123-4-wrong"}
    done = world.run("run")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "tierbot: apps.connections.open: Slack answered invalid_auth. This is about SLACK_APP_TOKEN."
    )
