"""Work that misbehaves as it is told, for workers of any engine."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from tierbot.domain.nouns import TierbotError


def upper(about: bytes) -> Callable[[Sequence[str]], list[str]]:
    """Capitalise; `about` names a folder. "die once" kills the worker the first time, "die" each time, "refuse" raises."""
    folder = Path(about.decode())

    def work(lines: Sequence[str]) -> list[str]:
        if "refuse" in lines:
            raise TierbotError("This line cannot be worked on. Take it out.")
        if "die" in lines or ("die once" in lines and not (folder / "died").exists()):
            (folder / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with (folder / "worked").open("a") as log:
            log.write(f"{os.getpid()} {lines[0]}\n")
        return [line.upper() for line in lines]

    return work
