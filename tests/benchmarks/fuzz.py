"""Fuzzes what people feed tierbot: feeds, and files to import. Any outcome but rows or a TierbotError is a crash.

    python -m tests.benchmarks.fuzz feeds --seconds 600 --seeds FOLDER…
    python -m tests.benchmarks.fuzz import --seconds 600

The seeds are files to begin with, such as the test feeds of tests/benchmarks/feed_corpora.py; some are built in. With atheris
installed (pip install atheris) coverage guides the search, and the first crash or hang ends it; otherwise, or with --blind,
seeded random mutations are tried, and the crashes counted. Prints the inputs tried, refused and crashed, and the slowest.
"""

import argparse
import importlib.util
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierbot.domain.articles.labels import LabelMatcher

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HANG = 10  # seconds
LONGEST = 20_000  # bytes of an input
Target = Callable[[bytes], None]

SEEDS = {
    "feeds": [
        (
            b'<?xml version="1.0" encoding="iso-8859-1"?><!DOCTYPE rss [<!ENTITY a "b">]><rss version="2.0"><channel><title>T</title>'
            b"<item><guid>1</guid><title><![CDATA[A & B]]></title><link>https://e.com/?a=1&amp;b</link>"
            b"<pubDate>Di, 06 M\xe4rz 2018 09:30:00 GMT+1</pubDate><description>&lt;p&gt;x &nbsp;</description></item></channel></rss>"
        ),
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title type="html">&lt;b&gt;x&lt;/b&gt;</title>'
            b'<link href="/a"/><updated>2018-03-06T10:00:00+01:00</updated></entry></feed>'
        ),
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "title": "a", "content_html": "<p>"}]}',
        b"<html><head><link rel=alternate type=application/rss+xml href=/feed></head></html>",
    ],
    "import": [
        b'{"title": "A law", "url": "https://e.com/1", "tags": ["law"], "date": "3. M\xc3\xa4rz 2018"}\n{"text": "x", "label": "a,b"}\n',
        b'{"text": "x", "answer": "accept", "accept": ["law"], "options": [{"id": "law"}], "_task_hash": 1}\n',
        b'sep=;\r\ntitle;tags\r\n"A ""law""";law|food\r\n',
        b'title\ttext\tlabel\nShe said "no"\tx\tlaw\n"a"\t"b\tc\n',
        "title,label\nÄ,law\n".encode("utf-16"),
        b'[{"id": 1, "data": {"text": "x"}, "annotations": [{"result": [{"type": "choices", "value": {"choices": ["law"]}}]}]}]',
    ],
}
PIECES = [
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&#x", b"&amp;", b"&#xD83D;", b"<item>", b"</item>", b"<title>", b"</title>", b"<entry>",
    b"<!DOCTYPE x [", b"<!ENTITY a '&b;'>", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\r", b"\n", b'"', b'""', b"sep=,", b"\t", b"{", b"}",
    b"[", b"]", b"null", b"1e999", b"-1", b"\\ud800", b"__label__", b"#", b"31 Feb 2018", b"GMT+99", b"2018-W99", b"PM", b"\x1f\x8b",
    b"encoding='utf-7'", b"<script>", b"xml:base='http://['", b"href='http://[::1'", b"99999999999999999999", b"\xe2\x80\xae",
]  # fmt: skip


def feeds(data: bytes) -> None:
    """Read an input as a feed."""
    from tierbot.adapters.feeds.parse import parse_feed
    from tierbot.domain.articles.feeds import Feed

    address = "https://e.com/feed"
    found = parse_feed(data, feed=Feed(address), url=address, content_type="text/xml", entries=50, now=NOW)
    for article in found.articles:
        assert article.title
        assert article.published_at is None or article.published_at <= NOW


@cache
def labels() -> "LabelMatcher":
    """Return the labels that are known."""
    from tierbot.domain.articles.labels import LabelMatcher
    from tierbot.domain.tags import default_tag_space

    return LabelMatcher(default_tag_space(), {})


def imports(data: bytes) -> None:
    """Read an input as a file to import."""
    from tierbot.adapters.files.annotations import read_annotations
    from tierbot.adapters.files.archives import ReadReport
    from tierbot.domain.articles.labels import LabelReport, labeled_articles

    path = Path(tempfile.gettempdir(), f"fuzzed-{len(data) % 8}")
    path.write_bytes(data)
    report, understood = ReadReport(), LabelReport()
    _, rows = read_annotations(path, now=NOW, report=report)
    labeled = list(labeled_articles(rows, labels(), source="x", now=NOW, report=understood))
    assert all(label.tags for _, label in labeled)


TARGETS: dict[str, Target] = {"feeds": feeds, "import": imports}


def main() -> None:
    """Fuzz a target for some time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seeds", nargs="*", type=Path, default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="mutate at random, also where atheris is installed")
    given = parser.parse_args()
    files = [path for folder in given.seeds for path in sorted(folder.rglob("*")) if path.is_file()]
    seeds = SEEDS[given.target] + [data for path in files if len(data := path.read_bytes()) <= LONGEST]
    if given.blind or importlib.util.find_spec("atheris") is None:
        sys.exit(blind(TARGETS[given.target], seeds, given.seconds, random.Random(given.seed)))  # noqa: S311
    guided(TARGETS[given.target], seeds, given.seconds, given.seed)


def judged(target: Target, data: bytes) -> bool:
    """Return whether an input was read; False if it was refused in words. Any other outcome raises."""
    from tierbot.domain.nouns import TierbotError

    try:
        target(data)
    except TierbotError:
        return False
    return True


def guided(target: Target, seeds: Sequence[bytes], seconds: int, seed: int) -> None:
    """Let atheris search, guided by the branches that an input reaches; the process ends with the search."""
    import atheris  # type: ignore[import-not-found]

    with atheris.instrument_imports(include=["tierbot", "feedparser", "dateutil"]):
        judged(target, seeds[0])
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds):
            Path(folder, str(number)).write_bytes(data)
        options = [
            f"-max_total_time={seconds}",
            f"-timeout={HANG}",
            f"-seed={seed}",
            f"-max_len={LONGEST}",
            "-print_final_stats=1",
            f"-artifact_prefix={tempfile.gettempdir()}/",
        ]
        atheris.Setup([sys.argv[0], *options, folder], lambda data: judged(target, data) and None)
        atheris.Fuzz()


def blind(target: Target, seeds: Sequence[bytes], seconds: int, rng: random.Random) -> int:
    """Mutate the seeds at random; print the outcomes and each kind of crash, and return 1 if there was one."""
    counts: Counter[str] = Counter()
    crashes: dict[str, bytes] = {}
    slowest, end = (0.0, b""), time.monotonic() + seconds

    def give_up(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    while time.monotonic() < end:
        data = mutated(seeds, rng)
        began = time.process_time()
        signal.alarm(HANG)
        try:
            counts["read" if judged(target, data) else "refused"] += 1
        except Exception as fault:  # noqa: BLE001 - that's what is looked for
            kind = "hangs" if isinstance(fault, TimeoutError) else "crashes"
            counts[kind] += 1
            place = traceback.extract_tb(fault.__traceback__)[-1]
            crashes.setdefault(f"{type(fault).__name__} at {place.filename}:{place.lineno}: {fault}"[:200], data)
        finally:
            signal.alarm(0)
        slowest = max(slowest, (time.process_time() - began, data), key=lambda one: one[0])
    print(f"{counts.total()} inputs: {dict(counts)}; the slowest took {slowest[0]:.2f} s: {slowest[1][:60]!r}")
    for what, data in crashes.items():
        print(f"{what}\n  {data[:2000]!r}")
    return 1 if crashes else 0


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a seed with one to eight random changes."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 4, 16, 200)))
        match rng.randrange(6):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = rng.choice(PIECES)
            case 2:
                data[at:at] = bytes(data[at:end]) * rng.choice((1, 2, 50))
            case 3:
                data[at:end] = rng.randbytes(end - at)
            case 4:
                data[at:end] = rng.choice(PIECES)
            case _:
                other = rng.choice(seeds)
                start = rng.randrange(len(other) + 1)
                data[at:end] = other[start : start + rng.choice((10, 100, 1000))]
    return bytes(data[:LONGEST])


if __name__ == "__main__":
    main()
