"""The command line: parse, call, print."""

import sys

from tierbot.domain.nouns import TierbotError


def main() -> None:
    """Run the command line; a TierbotError becomes one line on standard error and exit code 1."""
    from tierbot.cli.app import app

    try:
        app()
    except TierbotError as fault:
        sys.stderr.write(f"tierbot: {fault}\n")
        sys.exit(1)
