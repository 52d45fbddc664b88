"""A demo database that schema 0007 left behind is upgraded, holds what it held, and plays on."""

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import harness_settings
from tests.support.fakes import ManualClock, MemoryChat
from tests.support.paths import ROOT
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.app.bootstrap import build
from tierbot.app.bot import Tierbot
from tierbot.app.demo.start import Stories, first_model
from tierbot.domain.nouns import Article, ReactionEvent
from tierbot.domain.tags import default_tag_space
from tierbot.reports.dataset import pseudonyms_of
from tierbot.use_cases.people.personal_data import not_voters
from tierbot.use_cases.ports import Workspace

KEPT = ROOT / "tests" / "fixtures" / "demo-0007.db.gz"
CHANNEL = "C0ZO3YAR5IL"


@dataclass
class Demo:
    """The bot on the kept database, a day later, and the chat that it speaks to."""

    bot: Tierbot
    chat: MemoryChat
    clock: ManualClock
    workspace: str

    def deliver(self) -> None:
        self.clock.advance(seconds=1)
        while self.bot.loop.deliver(self.workspace):
            self.clock.advance(seconds=1)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with gzip.open(KEPT) as packed, (tmp_path / "test.db").open("wb") as file:
        shutil.copyfileobj(packed, file)
    clock, encoder, tags = ManualClock(datetime(2026, 11, 30, 12, tzinfo=UTC)), HashingEncoder(), default_tag_space()
    chat = MemoryChat(clock)
    bot = build(
        harness_settings(tmp_path, channel=""),
        clock=clock,
        encoder=encoder,
        model_files=first_model(Stories(tags, (), ()), encoder, clock.now(), seed=1),
        chats=lambda _: chat,
        draw=lambda chart: json.dumps(chart).encode(),
        tags=tags,
    )
    (workspace,) = bot.store.workspace_ids()
    bot.setup.prepare(Workspace(workspace, "Demo", clock.now()), tags)
    yield Demo(bot, chat, clock, workspace)
    bot.close()


def test_what_it_held_is_read_back(demo: Demo) -> None:
    with demo.bot.store.read(demo.workspace) as tx:
        known = tx.workspaces.get()
        assert known is not None
        assert (known.bot_user, known.channel, known.paused) == ("U036L06YQDP", CHANNEL, True)
        assert [(one.behavior, one.in_force) for one in tx.doubts.all()] == [("pushes_tag", True), ("brigade", False)]
        assert [draw.propensity for draw in tx.workspaces.draws()] == [0.4]
        smoke = tx.workspaces.smoke_test()
        assert smoke is not None
        assert smoke.broken == "the post appears"
        assert not_voters(tx)("U036L06YQDP")
        assert len(tx.workspaces.forgotten()) == 1
        for number in (1, 2):
            round_, standings = tx.rounds.get(number), tx.rounds.standings(number)
            assert round_ is not None
            assert (len(tx.posts.in_round(number)), len(standings)) == (24, 6)
            assert standings[0].user == round_.champion
        assert len(tx.verdicts.settled()) == 48
        assert [version.id for version in tx.models.all()] == ["m0003", "m0002", "m0001"]
    assert pseudonyms_of(demo.bot.store, demo.workspace)("U1").startswith("t-")


def test_it_plays_on(demo: Demo) -> None:
    now = demo.clock.now()
    stories = [Article(f"new{place}", f"Pizza and pasta, part {place}", "", "", "News", now) for place in range(4)]
    demo.bot.loop.take_in(demo.workspace, stories)
    assert demo.bot.loop.ask(demo.workspace, 4) == 4
    demo.deliver()
    assert len(demo.chat.posts) == 4
    for place, ts in enumerate(demo.chat.posts):
        for user in ("U1", "U2"):
            demo.clock.advance(seconds=1)
            at = demo.clock.now()
            event = ReactionEvent(f"Ev{place}{user}", CHANNEL, ts, user, "pizza", True, at, at)
            assert demo.bot.loop.record(demo.workspace, event)
    closed = demo.bot.loop.close_round(demo.workspace)
    assert closed is not None
    assert (closed.number, closed.champion) == (3, "U1")
    demo.deliver()
    kinds = [news["kind"] for news in demo.chat.announcements]
    assert kinds == ["model_promoted", "round_closed"], "the first was still queued when the demo ended"
    training = demo.bot.loop.retrain(demo.workspace)
    assert training is not None
    assert (training.version.id, training.version.parent, training.rows) == ("m0004", "m0003", 44 + 4)


def test_votes_of_its_former_rounds_still_teach(demo: Demo) -> None:
    with demo.bot.store.read(demo.workspace) as tx:
        post = tx.posts.in_round(2)[0]
        before = tx.verdicts.latest([post.id])[post.id]
        assert not tx.posts.is_final(post.id)
    assert post.ts is not None
    at = demo.clock.now()
    demo.bot.loop.record(demo.workspace, ReactionEvent("Ev1", CHANNEL, post.ts, "U1", "pizza", True, at, at))
    demo.bot.loop.look_up(demo.workspace)
    demo.bot.loop.settle(demo.workspace)
    with demo.bot.store.read(demo.workspace) as tx:
        assert tx.verdicts.latest([post.id])[post.id].voters == before.voters + 1
    demo.deliver()
    assert [(user, news["round"]) for user, news in demo.chat.whispers] == [("U1", 2)]
