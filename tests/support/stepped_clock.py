"""Lets the machine's clock step in one process of a test, while time goes on as it does: a file holds the seconds it is ahead."""

import sys
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from pathlib import Path

SETTING = "TESTS_CLOCK_AHEAD"
"""The environment variable that names the file."""

_READERS = ("tierbot.app.bot", "tierbot.use_cases.jobs.scheduler", "apscheduler.schedulers.base")


def install(file: str) -> None:
    """Make everything in this process that asks for the time of day read the stepped clock."""

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=float(Path(file).read_text()))

    for name in _READERS:
        import_module(name)
        sys.modules[name].datetime = Stepped  # type: ignore[attr-defined]
