"""How long a colleague waits for "Why this tag?" while other processes use every processor, with the real encoder.

pytest -n0 -s tests/benchmarks/test_why.py
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tests.support.operator import open_house
from tierbot.adapters.encoders import encoder_of

POSTS = 12
LEAD = (
    "The measure funds federal agencies through mid-December and now goes to the president, who is expected to sign it. "
    "Lawmakers from both parties said the negotiations over spending, border policy and disaster relief would resume "
    "after the election, and several complained that the vote had put off hard choices once again."
)


@contextmanager
def every_processor_busy() -> Iterator[None]:
    """Run one endless loop per processor."""
    with ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            burner = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(burner.kill)
        yield


def test_it_opens_at_once_and_is_complete_within_three_seconds(tmp_path: Path) -> None:
    opened, complete = [], []
    with open_house(tmp_path, encoder=encoder_of("all-MiniLM-L6-v2")) as house:
        posts = house.post(POSTS, LEAD)
        for post in posts:
            house.react("bob", post, "pizza")
        with every_processor_busy():
            for post in posts:
                start = time.perf_counter()
                answer = house.do("shortcut", user="bob", callback_id="why_this_tag", ts=post.ts, wait=5)
                opened.append(time.perf_counter() - start)
                (view,) = answer["views"]
                house.modal("bob", view["id"], lambda text: "reading the story" not in text)
                complete.append(time.perf_counter() - start)
    print(f"opened: median {median(opened):.2f} s, most {max(opened):.2f} s")
    print(f"complete: median {median(complete):.2f} s, most {max(complete):.2f} s")
    assert max(complete) < 3
