"""Drawing in a child process: matplotlib would stay in the bot's memory (about 55 MB) for one picture a week."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tierbot.domain.nouns import TierbotError

_PNG = b"\x89PNG\r\n\x1a\n"
_TOLD = 500  # characters of what a dying child said


class DrawingError(TierbotError):
    """A picture that was not drawn; the text has the child's own last words."""


def draw_in_child(chart: Mapping[str, Any], *, timeout: float = 120.0) -> bytes:
    """Return the PNG of a chart's figures (see outputs.charts), drawn within `timeout` seconds.

    Raises DrawingError.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    command = [sys.executable, "-m", "tierbot.reports.charts"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=json.dumps(chart).encode(),
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise DrawingError(f"The picture took longer than {timeout:g} s to draw and was given up.") from fault
    if done.returncode or not done.stdout.startswith(_PNG):
        said = done.stderr.decode(errors="replace").strip()[-_TOLD:]
        raise DrawingError(f"The picture was not drawn (exit {done.returncode}). It said: {said or 'nothing'}")
    return done.stdout
