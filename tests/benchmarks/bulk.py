"""Bulk work measured: Ray with two workers against one, and how much memory a long archive takes.

    python -m tests.benchmarks.bulk ray --shards 12
    python -m tests.benchmarks.bulk memory --rows 10000000

Ray: a cluster of two nodes with one processor each; every worker is warm before the clock starts, and what both runs
give is compared byte by byte. Neighbors: the peak of a process that reads an archive as `tierbot import --preview` and
`tierbot classify` do (its shards go to nobody), at a tenth of the rows and at all of them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tierbot.app.bulk import Shard, Work, engine_of
from tierbot.app.bulk.texts import classifying, shards_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECTS = ("pizza", "the quarterback", "a telescope", "bitcoin", "the court", "a guitar", "the vaccine")


def lines(count: int) -> Iterator[str]:
    """Yield made-up stories as `tierbot classify` puts them to its workers."""
    for number in range(count):
        title = f"Story {number}: what {SUBJECTS[number % 7]} means for town {number % 997}"
        text = f"People talked about {SUBJECTS[number * 3 % 7]} again, for the {number % 89}th time this year. " * 4
        yield json.dumps({"title": title, "text": text, "url": ""})


def timed(work: Work, shards: Iterable[Shard], workers: int) -> tuple[float, list[str]]:
    """Return the seconds that a Ray cluster takes with so many workers, and what came of it."""
    began = time.monotonic()
    found = {shard.number: made for shard, made in engine_of("ray", workers).done(work, shards)}
    return time.monotonic() - began, [line for number in sorted(found) for line in found[number]]


def waiter(_: bytes) -> Callable[[Sequence[str]], list[str]]:
    """Return work that only waits, half a second a shard: what dividing costs, whatever else the machine does."""

    def wait(lines: Sequence[str]) -> list[str]:
        time.sleep(0.5)
        return list(lines)

    return wait


def ray(shards: int) -> None:
    """Print the speed of two workers over that of one, for texts, and for work that only waits."""
    import tierbot

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    cluster = subprocess.Popen(
        [sys.executable, "-m", "tests.support.cluster"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert cluster.stdout is not None
    os.environ["RAY_ADDRESS"] = next(line.strip() for line in cluster.stdout if line[:1].isdigit())
    try:
        work = classifying(tierbot.load("models"), "all-MiniLM-L6-v2", 3)
        cut = list(shards_of(lines(64 * shards), lambda first, last: f"rows {first} to {last}", 64))
        timed(work, cut[:4], 2)  # both load the model
        one, first = timed(work, cut, 1)
        two, second = timed(work, cut, 2)
        idle = Work("tests.benchmarks.bulk:waiter", b"")
        waits = [timed(idle, cut, workers)[0] for workers in (1, 2)]
    finally:
        cluster.communicate("")
    rows = 64 * shards
    print(f"one worker  {one:6.1f} s   {rows / one:6.0f} texts a second")
    print(f"two workers {two:6.1f} s   {rows / two:6.0f} texts a second   × {one / two:.2f}")
    print(f"waiting only: {waits[0]:.1f} s and {waits[1]:.1f} s   × {waits[0] / waits[1]:.2f}")
    print("results equal" if first == second else "RESULTS DIFFER")


def memory(rows: int) -> None:
    """Print the peaks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "archive.jsonl")
        for count in (rows // 10, rows):
            with path.open("w") as file:
                file.writelines(
                    f'{{"id": "{n}", "tags": ["food"], "url": "https://n.example/{n}", {line[1:]}\n'
                    for n, line in enumerate(lines(count))
                )
            for what in ("preview", "classify"):
                command = [sys.executable, "-m", "tests.benchmarks.bulk", "peak", "--what", what, "--file", str(path)]
                began = time.monotonic()
                peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
                seconds = time.monotonic() - began
                print(f"{what:9} {count:>10,} rows   peak {peak} MB   {seconds:.0f} s", flush=True)


def peak(what: str, path: Path) -> None:
    """Read an archive as a command does, and print this process's peak of memory in MB."""
    from tierbot.adapters.files.annotations import read_annotations
    from tierbot.adapters.files.archives import ReadReport, read_archive
    from tierbot.domain.articles.duplicates import to_article
    from tierbot.domain.articles.labels import LabelMatcher, LabelReport, labeled_articles
    from tierbot.domain.tags import default_tag_space

    if what == "preview":
        _, rows = read_annotations(path, now=NOW, report=ReadReport())
        names = LabelMatcher(default_tag_space(), {})
        for _ in labeled_articles(rows, names, source="archive", now=NOW, report=LabelReport()):
            pass
    else:
        articles = (to_article(row, NOW) for row in read_archive(path, now=NOW))
        told = (json.dumps({"title": one.title, "text": one.text, "url": one.url}) for one in articles)
        for _ in shards_of(told, lambda first, last: f"rows {first} to {last}"):
            pass
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("ray", "memory", "peak"))
    parser.add_argument("--shards", type=int, default=12)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--what", dest="how", default="preview")
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    if given.what == "ray":
        ray(given.shards)
    elif given.what == "memory":
        memory(given.rows)
    else:
        peak(given.how, given.file)
