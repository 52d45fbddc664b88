"""A dispatcher by itself: its outbox and its chat are plain lists, its transaction a few plain tables."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.fakes import ManualClock
from tests.support.rows import NOON, article, post
from tierbot.domain.nouns import Arm
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.delivery import dispatch as module
from tierbot.use_cases.delivery.dispatch import Dispatcher
from tierbot.use_cases.ports import Delivery, Job

SECOND = timedelta(seconds=1)


class Desk:
    """A dispatcher with its outbox and its chat; both keep what was asked of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock(NOON)
        self.queue: list[Delivery] = []
        self.calls: list[tuple[Any, ...]] = []
        self.wrote: list[tuple[Any, ...]] = []
        self.answers: list[Any] = []
        self.ours = True  # whether the claim still holds
        self.posts = {"p1": post("p1", ts="1.0", arm=Arm.TIER)}
        self.events: list[Any] = []
        self.jobs: list[Job] = []
        self.waiting: Mapping[str, int] = {"C1": 1}
        self.results: dict[str, str] = {}
        self.known_workspace: Any = object()
        self.news = True
        self.tx: Any = SimpleNamespace(
            outbox=SimpleNamespace(
                claim=self.claim,
                done=self.write("done"),
                retry=self.write("retry"),
                park=self.write("park"),
                hold=self.note("hold"),
                add=lambda rows: self.wrote.append(("add", list(rows))),
                result=self.results.get,
                waiting_by_channel=lambda: self.waiting,
            ),
            posts=SimpleNamespace(
                get=self.posts.get,
                sent=self.note("sent"),
                invited=self.note("invited"),
                invitation=lambda name: SimpleNamespace(post_id="p1") if name == "i1" else None,
            ),
            articles=SimpleNamespace(get=lambda ids: {one: article(one) for one in ids if one == "a1"}),
            workspaces=SimpleNamespace(
                tags=default_tag_space,
                get=lambda: self.known_workspace,
                emoji_missing=lambda name: self.wrote.append(("emoji", name)) or self.news,
            ),
            ledger=SimpleNamespace(current=lambda *place: self.events if place == ("C1", "1.0") else []),
            reactors=SimpleNamespace(without_vote=lambda: {"UBOT"}),
            channels=SimpleNamespace(gather=self.note("gather")),
            agenda=SimpleNamespace(all=lambda: self.jobs, left=self.note("left"), ask=self.note("ask")),
        )
        methods = ("post", "announce", "whisper", "picture", "revise", "react", "find")
        self.chat: Any = SimpleNamespace(**{name: self.answer(name) for name in methods})
        monkeypatch.setattr(module, "close_channel", lambda _, *what: self.wrote.append(("close", *what)) or True)
        monkeypatch.setattr(module, "reopen_channel", lambda _, *what: self.wrote.append(("reopen", *what)))
        self.out: list[tuple[str, str]] = []

        @contextmanager
        def opened(_: str) -> Any:
            yield self.tx

        store: Any = SimpleNamespace(begin=opened, read=opened)
        self.dispatcher = Dispatcher(
            store, lambda _: self.chat, self.clock, lambda _: b"png", 2 * SECOND, lambda *what: self.out.append(what)
        )

    def claim(self, now: Any, until: Any, limit: int) -> list[Delivery]:
        self.wrote.append(("claim", now, until, limit))
        return [self.queue.pop(0)] if self.queue else []

    def write(self, name: str) -> Callable[..., bool]:
        return lambda claimed, *what, **how: (
            self.wrote.append((name, *what, how) if how else (name, *what)) or self.ours
        )

    def note(self, name: str) -> Callable[..., None]:
        return lambda *what: self.wrote.append((name, *what))

    def answer(self, name: str) -> Callable[..., Any]:
        def call(*what: Any) -> Any:
            self.calls.append((name, *what))
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def deliver(self, one: Delivery, *answers: Any) -> list[tuple[Any, ...]]:
        """Deliver one; return what was written after the claim."""
        self.queue, self.answers, self.wrote, self.calls = [one], list(answers), [], []
        assert self.dispatcher.deliver("T1")
        assert self.wrote.pop(0) == ("claim", self.clock.time, self.clock.time + 60 * SECOND, 1)
        return self.wrote
