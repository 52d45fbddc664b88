"""Fuzzes what people feed tierbot: feeds, files, signed requests. Any outcome but rows or a TierbotError is a crash.

    python -m tests.benchmarks.fuzz feeds --seconds 600 --seeds FOLDER…
    python -m tests.benchmarks.fuzz import --seconds 600
    python -m tests.benchmarks.fuzz archives bodies feeds import models tags --inputs 10000 --blind

The seeds are files to begin with, such as the test feeds of tests/benchmarks/feed_corpora.py; some are built in. With atheris
installed (pip install atheris) coverage guides the search, and the first crash or hang ends it; otherwise, or with --blind,
seeded random mutations are tried, and the crashes counted. Prints the inputs tried, refused and crashed, and the slowest.
"""

import argparse
import importlib.util
import math
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import psutil

from tests.benchmarks.fuzz_targets import TARGETS, Target, seeds_of

HANG = 10  # seconds
LONGEST = 20_000  # bytes of an input

PIECES = [
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&#x", b"&amp;", b"&#xD83D;", b"<item>", b"</item>", b"<title>", b"</title>", b"<entry>",
    b"<!DOCTYPE x [", b"<!ENTITY a '&b;'>", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\r", b"\n", b'"', b'""', b"sep=,", b"\t", b"{", b"}",
    b"[", b"]", b"null", b"1e999", b"-1", b"\\ud800", b"__label__", b"#", b"31 Feb 2018", b"GMT+99", b"2018-W99", b"PM", b"\x1f\x8b",
    b"encoding='utf-7'", b"<script>", b"xml:base='http://['", b"href='http://[::1'", b"99999999999999999999", b"\xe2\x80\xae",
]  # fmt: skip


def main() -> None:
    """Fuzz some targets, each for some time or some number of inputs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--inputs", type=int, help="for each target, at random, instead of seconds")
    parser.add_argument("--seeds", nargs="*", type=Path, default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", help="mutate at random, also where atheris is installed")
    given = parser.parse_args()
    files = [path for folder in given.seeds for path in sorted(folder.rglob("*")) if path.is_file()]
    found = [data for path in files if len(data := path.read_bytes()) <= LONGEST]
    seeds = {target: seeds_of(target) + found for target in given.targets}
    if given.blind or given.inputs or len(given.targets) > 1 or importlib.util.find_spec("atheris") is None:
        most = given.inputs or sys.maxsize
        seconds = math.inf if given.inputs else given.seconds
        failed = [blind(target, seeds[target], seconds, most, random.Random(given.seed)) for target in given.targets]  # noqa: S311
        sys.exit(max(failed))
    (target,) = given.targets
    guided(TARGETS[target], seeds[target], given.seconds, given.seed)


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


def blind(name: str, seeds: Sequence[bytes], seconds: float, most: int, rng: random.Random) -> int:
    """Mutate the seeds at random; print the outcomes and each kind of crash, and return 1 if there was one."""
    target, began_with = TARGETS[name], 0.0
    counts: Counter[str] = Counter()
    crashes: dict[str, bytes] = {}
    slowest, end = (0.0, b""), time.monotonic() + seconds

    def give_up(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    while time.monotonic() < end and counts.total() < most:
        if counts.total() == most // 5:  # everything is loaded
            began_with = psutil.Process().memory_info().rss / 2**20
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
    memory = psutil.Process().memory_info().rss / 2**20
    grown = f", memory {began_with:.0f} → {memory:.0f} MB" if began_with else ""
    print(
        f"{name}: {counts.total()} inputs: {dict(counts)}{grown}; the slowest took {slowest[0]:.2f} s: {slowest[1][:60]!r}"
    )
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
