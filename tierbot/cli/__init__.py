"""The command line: parse, call, print."""

import gc
import sys

from tierbot.domain.nouns import TierbotError


def main() -> None:
    """Run the command line; a TierbotError becomes one line on standard error and exit code 1."""
    gc.set_threshold(
        50_000, 20, 20
    )  # imports free nothing: looking for garbage 200 times is a tenth of a command's CPU
    from tierbot.cli.streams import prepare_home, prepare_streams

    prepare_streams()
    prepare_home()
    from tierbot.cli.app import app

    try:
        app()
    except TierbotError as fault:
        sys.stderr.write(f"tierbot: {fault}\n")
        sys.exit(1)
