"""The command line: parse, call, print."""

import gc
import sys
from collections.abc import Sequence

from tierbot.domain.nouns import StoppedError, TierbotError


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


def main() -> None:
    """Run the command line; a TierbotError becomes one line on standard error and exit code 1, a StoppedError 0."""
    gc.set_threshold(
        50_000, 20, 20
    )  # imports free nothing: looking for garbage 200 times is a tenth of a command's CPU
    from tierbot.cli.streams import prepare_home, prepare_streams

    prepare_streams()
    prepare_home()
    from tierbot.cli.app import app

    try:
        app(with_env_file_first(sys.argv[1:]))
    except TierbotError as fault:
        sys.stderr.write(f"tierbot: {fault}\n")
        sys.exit(0 if isinstance(fault, StoppedError) else 1)
