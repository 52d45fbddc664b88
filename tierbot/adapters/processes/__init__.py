"""Work in child processes: training, drawing, external predictors."""

import os

SAID = 500
"""How many of the last characters of a child's standard error an error message quotes."""


def child_environment() -> dict[str, str]:
    """Return the environment for a child process, without Slack's tokens."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
