"""Runs tierbot's commands in the test's own process, as Typer's test client does."""

from click.testing import Result
from typer.testing import CliRunner

from tierbot.cli.app import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def said(*arguments: str) -> str:
    """Return what a command printed on standard output; it must succeed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout
