"""The command line: parse, call, print. It imports hardly anything before `main` has prepared for signals."""

import gc
import os
import signal
import sys
from collections.abc import Sequence

_UNTIL_STOPPED = ("run", "web", "worker")


def with_env_file_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with --env-file before the command, where it applies to any.

    >>> with_env_file_first(["feeds", "list", "--env-file", "team.env", "--json"])
    ['--env-file', 'team.env', 'feeds', 'list', '--json']
    """
    own = list(arguments[: arguments.index("--")]) if "--" in arguments else list(arguments)
    for place, argument in enumerate(own):
        if argument == "--env-file" or argument.startswith("--env-file="):
            end = place + (2 if argument == "--env-file" else 1)
            return [*arguments[place:end], *arguments[:place], *arguments[end:]]
    return list(arguments)


def runs_until_stopped(arguments: Sequence[str]) -> bool:
    """Return whether the arguments, with --env-file first, are of a process that SIGTERM and Ctrl-C stop with status 0.

    >>> runs_until_stopped(["--env-file", "run", "web", "--port", "3000"]), runs_until_stopped(["explain", "run"])
    (True, False)
    """
    command = arguments[2:] if arguments[:1] == ["--env-file"] else arguments
    return next((one for one in command if not one.startswith("-")), None) in _UNTIL_STOPPED


def main() -> None:
    """Run the command line; a TierbotError becomes one line on standard error and exit code 1, a StoppedError 0."""
    arguments = with_env_file_first(sys.argv[1:])
    if runs_until_stopped(arguments):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop_starting)
    try:
        _call(arguments)
    except KeyboardInterrupt:  # during the imports; later, Typer ends a command just so
        sys.exit(130)


def _stop_starting(*_: object) -> None:
    """End the process at once: until `stop_signals` takes over, nothing needs to be finished.

    An exception could be swallowed by whatever is being imported.
    """
    try:
        os.write(2, b"tierbot: Stopped while it was starting.\n")
    finally:
        os._exit(0)


def _call(arguments: list[str]) -> None:
    # Imports free nothing: looking for garbage 200 times is a tenth of a command's CPU.
    gc.set_threshold(50_000, 20, 20)
    from tierbot.cli.streams import prepare_home, prepare_streams
    from tierbot.domain.nouns import StoppedError, TierbotError

    prepare_streams()
    prepare_home()
    from tierbot.cli.app import app

    try:
        app(arguments)
    except TierbotError as fault:
        sys.stderr.write(f"tierbot: {fault}\n")
        sys.exit(0 if isinstance(fault, StoppedError) else 1)
