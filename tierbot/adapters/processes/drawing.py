"""Draw in a child process: matplotlib would take about 55 MB of the bot's memory for one picture a week."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tierbot.adapters.child_environment import child_environment
from tierbot.adapters.processes import SAID
from tierbot.domain.nouns import TierbotError

_PNG = b"\x89PNG\r\n\x1a\n"


class DrawingError(TierbotError):
    """A picture couldn't be drawn; the text quotes the child's error."""


def draw_in_child(chart: Mapping[str, Any], *, timeout: float = 120.0) -> bytes:
    """Return a chart's PNG (see reports.charts), drawn within `timeout` seconds. Raises DrawingError."""
    command = [sys.executable, "-m", "tierbot.reports.charts"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=json.dumps(chart).encode(),
            capture_output=True,
            env=child_environment(),
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise DrawingError(f"Drawing the picture took longer than {timeout:g} s and was stopped.") from fault
    if done.returncode or not done.stdout.startswith(_PNG):
        said = done.stderr.decode(errors="replace").strip()[-SAID:]
        raise DrawingError(f"Drawing the picture failed (exit {done.returncode}). Its output: {said or 'none'}")
    return done.stdout
