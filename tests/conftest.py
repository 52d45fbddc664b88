"""A whole bot in a temporary folder: real SQLite, real learning, hashed embeddings, a chat kept in memory."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from tests.support.fakes import ManualClock, MemoryChat
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.adapters.store import open_store
from tierbot.app.bootstrap import build
from tierbot.app.bot import Tierbot
from tierbot.app.demo.start import StartModels, Stories, first_model
from tierbot.domain.nouns import Article, ReactionEvent
from tierbot.domain.tags import default_tag_space
from tierbot.domain.training.retrain import TrainingJob, TrainingResult, train_challenger
from tierbot.settings import Settings, load_settings
from tierbot.use_cases.delivery.dispatch import Dispatcher
from tierbot.use_cases.jobs.scheduler import Scheduler, Work
from tierbot.use_cases.ports import Job, Workspace

WORKSPACE = "T1"

# The same examples on every machine, and no failure because a machine is busy.
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("steady")


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one worker more than processors, because the scenarios mostly wait for their processes."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@dataclass
class Harness:
    """The bot, and hands to play with it."""

    bot: Tierbot
    chat: MemoryChat
    clock: ManualClock
    _events: int = 0

    def promote_challengers(self) -> None:
        """From now on promote every challenger: for what follows a promotion, where few fair posts wouldn't earn one."""
        train = self.bot.registry.train

        def promoted(job: TrainingJob) -> TrainingResult:
            result = train(job)
            return replace(result, decision=replace(result.decision, promote=True))

        self.bot.registry.train = promoted

    def articles(self, count: int, start: int = 0) -> list[Article]:
        now = self.clock.now()
        subjects = (
            "pizza and pasta recipes",
            "the quarterback's touchdown",
            "a new telescope in space",
            "bitcoin wallets",
        )
        return [
            Article(
                f"a{i}", f"Story number {i * 7919} about {subjects[i % 4]}", "", f"https://n.example/{i}", "News", now
            )
            for i in range(start, start + count)
        ]

    def posts(self, count: int) -> list[str]:
        """Post `count` articles and return their ts, oldest first."""
        self.bot.loop.take_in(WORKSPACE, self.articles(count, start=len(self.chat.posts)))
        self.bot.loop.ask(WORKSPACE, count)
        before = set(self.chat.posts)
        self.deliver()
        return [ts for ts in self.chat.posts if ts not in before]

    def deliver(self) -> None:
        for _ in range(10_000):
            if not self.bot.loop.deliver(WORKSPACE):
                return
            self.clock.advance(milliseconds=2)

    def react(self, user: str, ts: str, name: str, *, added: bool = True, event_id: str | None = None) -> bool:
        self._events += 1
        self.clock.advance(seconds=1)
        now = self.clock.now()
        event = ReactionEvent(event_id or f"Ev{self._events}", "C1", ts, user, name, added, now, now)
        return self.bot.loop.record(WORKSPACE, event)

    def settle(self) -> int:
        """Look up who voted, as the worker does, and settle; return how many posts."""
        self.bot.loop.look_up(WORKSPACE)
        return self.bot.loop.settle(WORKSPACE)

    def know(self, *users: str) -> None:
        """Remember that these users may vote, as after a look-up: a command without Slack cannot look anybody up."""
        with self.bot.store.begin(WORKSPACE) as tx:
            tx.reactors.put(dict.fromkeys(users, True), self.clock.now())

    def job(self, job_id: str, workspace: str = WORKSPACE) -> Job:
        """Return a job that is there."""
        with self.bot.store.read(workspace) as tx:
            job = tx.agenda.get(job_id)
        assert job is not None
        return job

    def jobs(self, kind: str, workspace: str = WORKSPACE) -> list[Job]:
        """Return the jobs of a kind that are not finished."""
        with self.bot.store.read(workspace) as tx:
            return [job for job in tx.agenda.all() if job.kind == kind]

    def do(self, kind: str, workspace: str = WORKSPACE) -> None:
        """Do the jobs of a kind now, in this thread, whenever they are due; see Scheduler.run."""
        self.bot.scheduler.renew()
        for job in self.jobs(kind, workspace):
            with self.bot.store.begin(workspace) as tx:
                tx.agenda.put(replace(job, due_at=min(job.due_at, self.clock.now())))
            self.bot.scheduler.run(workspace, job.id)

    def do_requests(self, kind: str, workspace: str = WORKSPACE) -> None:
        """Do the requests of a kind that are there now, and leave what recurs alone."""
        self.bot.scheduler.renew()
        for job in self.jobs(kind, workspace):
            if not job.recurs:
                self.bot.scheduler.run(workspace, job.id)

    def scheduler(self, **works: Work) -> Scheduler:
        """Return another process's scheduler, in which some kinds do something else, if anything."""
        kinds = {name: replace(kind, work=works.get(name, kind.work)) for name, kind in self.bot.kinds.items()}
        return Scheduler(self.bot.store, self.bot.clock, kinds, self.bot.meter)

    @property
    def dispatcher(self) -> Dispatcher:
        """What sends the outbox."""
        found = self.bot.loop.deliver.__self__  # type: ignore[attr-defined]
        assert isinstance(found, Dispatcher)
        return found

    def emoji(self, ts: str) -> str:
        """Return the emoji of the tag that a post's prediction shows (named or not)."""
        view = self.chat.posts[ts]
        return view.tags[view.post.shown_tag].short_name


def harness_settings(folder: Path, **changes: object) -> Settings:
    defaults: dict[str, object] = {
        "database_url": f"sqlite:///{folder}/test.db",
        "channel": "C1",
        "seed": 1,
        "slack_posts_per_second": 1000,
    }
    return load_settings(None, **(defaults | changes))


@cache
def _blank_database() -> bytes:
    """Return a database with the newest schema and nothing else, made once: its migrations take longer than most tests."""
    with TemporaryDirectory(prefix="tierbot-blank-") as name:
        path = Path(name, "blank.db")
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


@cache
def _first_model(dimension: int) -> StartModels:
    """Return the model that each bot starts with, made once: the tags' descriptions are all that it knows."""
    return first_model(Stories(default_tag_space(), (), ()), HashingEncoder(dimension), ManualClock().now(), seed=1)


def build_harness(folder: Path, *, dimension: int = 64, **changes: object) -> Harness:
    """Build a bot over a (new or old) database in `folder`. It trains in this process; tests/adapters/processes has the child."""
    if not (folder / "test.db").exists():
        (folder / "test.db").write_bytes(_blank_database())
    clock, encoder = ManualClock(), HashingEncoder(dimension)
    chat = MemoryChat(clock)
    tags = default_tag_space()
    bot = build(
        harness_settings(folder, **changes),
        clock=clock,
        encoder=encoder,
        model_files=_first_model(dimension),
        chats=lambda _: chat,
        draw=lambda chart: json.dumps(chart).encode(),
        tags=tags,
    )
    bot.registry.train = train_challenger
    bot.setup.prepare(Workspace(WORKSPACE, "Test", clock.now(), bot_user="UBOT"), tags)
    return Harness(bot, chat, clock)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    built = build_harness(tmp_path)
    yield built
    built.bot.close()


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo the logging that a command or a wider fixture set up in this process: its stream is closed with the test."""
    root = logging.getLogger()
    handlers, factory, hook = list(root.handlers), logging.getLogRecordFactory(), sys.unraisablehook
    root.setLevel(logging.WARNING)
    yield
    root.handlers[:] = handlers
    root.setLevel(logging.WARNING)
    logging.setLogRecordFactory(factory)
    logging.captureWarnings(False)
    sys.unraisablehook = hook
