"""A mutation run: each small wrong change to a file (tests/support/mutating.py) must make one of its tests fail.

    python -m tests.benchmarks.mutations                  # all files of GROUPS: an hour or two on one core
    python -m tests.benchmarks.mutations feedback outbox
    python -m tests.benchmarks.mutations feedback --only suspicion --list
    python -m tests.benchmarks.mutations agenda --sample 150 --seed 1   # of a long group: as many changes, drawn by chance

Tests run on SQLite only. The tests of a group run once, and tell which lines each covers. Then a forked process per change
runs the tests that cover its line, none above 20 s, until one fails: first those that are quick and caught other changes to
the function; for a constant all tests, first those that cover a line that uses it. Changes that make no difference are listed with the
reason in mutations.toml; one listed there that is gone is an error. The command fails if fewer than nine in ten are caught.
"""

import argparse
import ast
import os
import pickle
import random
import select
import signal
import sys
import threading
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support.mutating import Mutation, mutations, take_on

_DOMAIN, _USE, _STORE = "tierbot/domain", "tierbot/use_cases", "tierbot/adapters/store"
_FEEDBACK, _JOBS = f"{_DOMAIN}/feedback", f"{_USE}/jobs"
GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # what is changed, and the tests that shall notice
    "feedback": (
        tuple(f"{_FEEDBACK}/{name}.py" for name in ("reconciliation", "verdict", "votes")),
        (
            "tests/domain/feedback/test_reconciliation.py",
            "tests/domain/feedback/test_verdict.py",
            "tests/domain/feedback/test_votes.py",
            "tests/domain/feedback/test_menu_votes.py",
        ),
    ),
    "suspicion": (
        (f"{_FEEDBACK}/suspicion.py",),
        ("tests/domain/feedback/test_suspicion.py", "tests/domain/feedback/test_suspicion_figures.py"),
    ),
    "crowd": ((f"{_FEEDBACK}/crowd",), ("tests/domain/feedback/crowd",)),
    "anchor_aware": ((f"{_FEEDBACK}/anchor_aware",), ("tests/domain/feedback/anchor_aware",)),
    "recording": ((f"{_USE}/voting/recording.py",), ("tests/use_cases/voting/test_recording.py",)),
    "outbox": (
        (f"{_STORE}/outbox.py",),
        (
            "tests/adapters/store/test_outbox.py",
            "tests/adapters/store/test_outbox_times.py",
            "tests/adapters/store/test_channels.py",
            "tests/adapters/store/test_isolation.py",
            "tests/adapters/store/test_installations.py",
        ),
    ),
    "turns": (
        (f"{_STORE}/turns.py",),
        ("tests/adapters/store/test_turns.py", "tests/adapters/store/test_transactions.py"),
    ),
    "dispatch": ((f"{_USE}/delivery/dispatch.py",), ("tests/use_cases/test_loop.py", "tests/use_cases/delivery")),
    "rounds": ((f"{_DOMAIN}/rounds",), ("tests/domain/rounds",)),
    "closing": (
        (f"{_USE}/rounds",),
        ("tests/use_cases/rounds", "tests/use_cases/test_loop.py", "tests/use_cases/voting/test_late_votes.py"),
    ),
    "tallying": (
        (f"{_USE}/voting/tallying.py", f"{_USE}/voting/settlement.py"),
        tuple(
            f"tests/use_cases/voting/test_{name}.py"
            for name in ("tallying", "settlement", "settling_alone", "late_votes", "voters")
        ),
    ),
    "agenda": (
        (f"{_STORE}/agenda.py",),
        ("tests/adapters/store/test_agenda.py", "tests/adapters/store/test_schedulers.py"),
    ),
    "scheduler": (
        tuple(f"{_JOBS}/{name}.py" for name in ("scheduler", "fencing", "clock_steps")),
        (
            "tests/use_cases/jobs/test_scheduler_alone.py",
            "tests/adapters/store/test_schedulers.py",
            "tests/adapters/store/test_clock_steps.py",
        ),
    ),
    "worker": (
        (f"{_JOBS}/worker.py",),
        ("tests/use_cases/jobs/test_worker_alone.py", "tests/use_cases/jobs/test_worker.py"),
    ),
    "jobs": (
        tuple(f"{_JOBS}/{name}.py" for name in ("duplicate_requests", "faults", "kinds", "pruning", "smoke_test")),
        tuple(
            f"tests/use_cases/jobs/test_{name}.py"
            for name in ("duplicate_requests", "faults", "kinds_alone", "kinds", "pruning", "smoke_test")
        ),
    ),
}
EQUIVALENT = Path(__file__).with_suffix(".toml")
_ENOUGH = 0.9
_LEAST, _TIMES = 10.0, 10.0  # seconds for a test with a change, or so many times what it takes without
_PYTEST = (
    *("-q", "-s", "-n0", "--tb=native", "-p", "no:cacheprovider"),
    *("-o", "timeout=0"),  # pytest-timeout takes the same timer as `patience`
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what is imported already
)
_SLOW = 20.0  # seconds; a test that takes longer is left out where others cover a line
_LONGEST = 15  # lines of a statement
_SURVIVED, _IMPOSSIBLE = 10, 11

Lines = dict[str, set[int]]


class Run:
    """A pytest plugin: it collects, and then lets forked processes run the tests."""

    def __init__(self, files: list[str], only: str) -> None:
        self.files = files
        self.all = [one for path in files for one in mutations(path)]
        self.left = [one for one in self.all if only in one.id]
        self.results: dict[str, str] = {}
        self.needed: dict[str, float] = {}
        self.caught: Counter[tuple[str, str]] = Counter()  # by function and test

    def pytest_configure(self) -> None:
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile("mutations", phases=phases, database=None, deadline=None, derandomize=True)
        hypothesis.settings.load_profile("mutations")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if "postgresql" not in item.nodeid]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        began = time.monotonic()
        run_one(session, session.items[0])  # what all share is made once, before any process is forked
        answer = forked(lambda: self.covered(session), 3600)
        if answer is None:
            raise pytest.UsageError("the tests don't pass as they are, or didn't end")
        by_line, self.needed = answer
        print(f"{len(session.items)} tests once: {time.monotonic() - began:.0f} s", flush=True)
        for one in self.left:
            self.results[one.id] = self.try_out(session, one, tests_of(one, by_line))
            if self.results[one.id] != "caught":
                print(f"{self.results[one.id]}: line {one.line}: {one.id}", flush=True)
        return True

    def covered(self, session: pytest.Session) -> tuple[dict[tuple[str, int], list[str]], dict[str, float]]:
        """Run all tests; return which cover each line, the quickest first, and the seconds that each takes."""
        paths = {str(Path(path).absolute()): path for path in self.files}
        by_line: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        needed: dict[str, float] = {}
        for item in session.items:
            seen: set[tuple[str, int]] = set()
            began = time.monotonic()
            with traced(paths, seen):
                run_one(session, item)
            needed[item.nodeid] = time.monotonic() - began
            if session.testsfailed:
                print(f"fails as it is: {item.nodeid}", flush=True)
                os._exit(1)
            for place in seen:
                by_line[place].append(item.nodeid)
        for ids in by_line.values():
            ids.sort(key=needed.__getitem__)
            if needed[ids[0]] < _SLOW:
                ids[:] = [nodeid for nodeid in ids if needed[nodeid] < _SLOW]
        return dict(by_line), needed

    def try_out(self, session: pytest.Session, one: Mutation, ids: list[str]) -> str:
        """Return what became of a change."""
        near, function = set(ids), f"{one.path} {one.where}"
        if one.constant is not None:
            ids = list(self.needed)
        if not ids:
            return "not covered"
        items = {item.nodeid: item for item in session.items}
        ids = sorted(
            ids, key=lambda nodeid: (nodeid not in near, self.needed[nodeid] / (1 + self.caught[function, nodeid]))
        )

        def run() -> int | str:
            if not take_on(one):
                return _IMPOSSIBLE
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            for nodeid in ids:
                signal.setitimer(signal.ITIMER_REAL, self.patience(nodeid))  # a test that hangs ends the process
                run_one(session, items[nodeid])
                if session.testsfailed:
                    return nodeid
            return _SURVIVED

        ended = forked(run, sum(map(self.patience, ids)))
        if isinstance(ended, str):
            self.caught[function, ended] += 1
        names = {_SURVIVED: "survived", _IMPOSSIBLE: "not possible"}
        return names.get(ended, "caught") if isinstance(ended, int) else "caught"  # a crash or a hang is noticed

    def patience(self, nodeid: str) -> float:
        """Return the seconds after which a test hangs."""
        return max(_LEAST, _TIMES * self.needed[nodeid])


def tests_of(one: Mutation, by_line: dict[tuple[str, int], list[str]]) -> list[str]:
    """Return the tests that cover a change: its line, or else the last line before it, where its statement begins.

    Those of a constant cover a line that uses it.
    """
    if one.constant is not None:
        used = {part.lineno for part in ast.walk(one.tree) if isinstance(part, ast.Name) and part.id == one.where}
        return [nodeid for line in used for nodeid in by_line.get((one.path, line), ())]
    lines = range(one.line, max(0, one.line - _LONGEST), -1)
    return next((by_line[one.path, line] for line in lines if (one.path, line) in by_line), [])


def run_one(session: pytest.Session, item: pytest.Item) -> None:
    """Run one test with its fixtures; those of the session stay for the next one."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)


class traced:  # noqa: N801 - a context manager
    """Notes which lines of some files run, in all threads."""

    def __init__(self, paths: dict[str, str], seen: set[tuple[str, int]]) -> None:
        self.paths = paths
        self.seen = seen

    def __enter__(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]

    def _called(self, frame: Any, event: str, _: object) -> Any:
        path = self.paths.get(frame.f_code.co_filename)
        if path is None:
            return None

        def line(frame: Any, event: str, _: object) -> Any:
            self.seen.add((path, frame.f_lineno))
            return line

        return line(frame, event, None)


def forked(work: Callable[[], Any], seconds: float) -> Any:
    """Do some work in a forked process; return its result, None if it crashed or took too long."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(reader)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        try:
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(work(), pipe)
        finally:
            os._exit(0)
    os.close(writer)
    parts = []
    until = time.monotonic() + seconds
    while select.select([reader], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (part := os.read(reader, 1 << 20)):
            break
        parts.append(part)
    os.close(reader)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return pickle.loads(b"".join(parts)) if parts else None  # noqa: S301 - our own process


def files_of(group: str) -> list[str]:
    """Return the files of a group."""
    paths = (Path(path) for path in GROUPS[group][0])
    return [str(file) for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP", default=list(GROUPS), help=", ".join(GROUPS))
    parser.add_argument("--only", default="", help="a part of the id of the changes to try")
    parser.add_argument(
        "--again", type=Path, help="try only what an earlier run, whose output is in this file, did not catch"
    )
    parser.add_argument(
        "--sample", type=int, metavar="N", help="try only so many changes of each group, drawn by chance"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--list", action="store_true", help="only list the changes")
    given = parser.parse_args()
    excused = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    weak = []
    for group in given.groups:
        run = Run(files_of(group), given.only)
        if given.again:
            named = {line.partition(": line ")[2].partition(": ")[2] for line in given.again.read_text().splitlines()}
            run.left = [one for one in run.left if one.id in named]
        if given.sample is not None and given.sample < len(run.left):
            drawn = {one.id for one in random.Random(given.seed).sample(run.left, given.sample)}  # noqa: S311 - no secret
            run.left = [one for one in run.left if one.id in drawn]
        if given.list:
            print("\n".join(f"{one.line}: {one.id}" for one in run.left))
            continue
        gone = set(excused.get(group, {})) - {one.id for one in run.all}
        if gone:
            sys.exit(f"{EQUIVALENT.name} lists changes that are gone; remove them: {', '.join(sorted(gone))}")
        began = time.monotonic()
        status = pytest.main([*_PYTEST, *GROUPS[group][1]], plugins=[run])
        if status != pytest.ExitCode.OK:
            sys.exit(int(status))
        tried = {name: said for name, said in run.results.items() if said != "not possible"}
        open_ = sorted(name for name, said in tried.items() if said != "caught" and name not in excused.get(group, {}))
        counted = len(tried) - sum(name in excused.get(group, {}) and said != "caught" for name, said in tried.items())
        share = 1 - len(open_) / max(1, counted)
        print(
            f"{group}: {len(tried)} changes, {counted - len(open_)} caught ({share:.0%} of those that make a difference), "
            f"{len(tried) - counted} make none, {len(open_)} survived, in {time.monotonic() - began:.0f} s"
        )
        if share < _ENOUGH:
            weak.append(group)
    if weak:
        sys.exit(f"fewer than {_ENOUGH:.0%} caught: {', '.join(weak)}")


if __name__ == "__main__":
    main()
