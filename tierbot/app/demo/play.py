"""Play rounds of TIER (push, react, settle, close, retrain) with the commands that an admin would type."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tierbot.adapters.encoders import encoder_of
from tierbot.app.bootstrap import build, connect
from tierbot.app.bot import SystemClock, Tierbot
from tierbot.app.demo.gain import gain
from tierbot.app.demo.start import Stories, archive, corpus, first_model
from tierbot.app.demo.workspace import ADMIN, SandboxProcess, own_folder
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.nouns import Arm, Outcome, TierbotError
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.rounds.boards import RoundStatus
from tierbot.domain.training.judge import accuracy
from tierbot.reports.panel import Panel
from tierbot.settings import Settings, load_settings
from tierbot.simulate.colleagues import Colleagues
from tierbot.simulate.messages import Truth
from tierbot.simulate.teams import demo_team
from tierbot.use_cases.game.questions import training_data_of
from tierbot.use_cases.ports import DeliveryState, Transaction

PLAYERS = ("you:admin", f"{ADMIN}:admin={ADMIN.title()}")
"""Users besides the simulated colleagues: the person at the page, and the admin who types the commands."""

_POLL = 0.1  # seconds between checks of a round's progress
_SHOWN_EVERY = 1.0  # seconds between progress reports
_ASK_AGAIN = 10.0  # seconds without a new post before pushing again
_MOST_WAITING = 500  # stories per push
_QUIET_POLLS = 5  # checks without activity before a round counts as played
_PATIENCE = 600.0  # seconds before the demo gives up on a step


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Settings of a demo. speed: simulated seconds per real second; posts_per_second: rate of posting.

    keep: file to save its database to, for other commands to read; None: delete it when the demo ends.
    """

    rounds: int | None
    posts: int
    seed: int
    archive: Path | None
    start: int
    colleagues: int
    speed: float
    posts_per_second: float
    port: int
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A running demo: everything needed to play a round."""

    demo: DemoSettings
    bot: Tierbot
    workspace: str
    sandbox: SandboxProcess
    colleagues: Colleagues
    stories: Stories
    truth: Truth
    first_model: Classifier
    learned: dict[str, Any]  # what the page shows of the last round's gain
    show: Callable[[], None]


T = TypeVar("T")
Say = Callable[[str], None]
Watch = Callable[[RoundStatus], None]


def play(demo: DemoSettings, say: Say, watch: Watch = lambda _: None) -> Iterator[dict[str, Any]]:
    """Play rounds and yield a record of each as it ends; call `say` with progress messages, `watch` every second or so.

    Raises TierbotError if the archive cannot be used or a step times out.
    """
    with staged(demo, say) as scene:
        played = 0
        while demo.rounds is None or played < demo.rounds:
            if not take_in(scene, played):
                say("All stories have been played.")
                return
            played += 1
            yield play_round(scene, say, watch)


@contextmanager
def staged(demo: DemoSettings, say: Say) -> Iterator[Scene]:
    """Run the sandbox, the bot and its colleagues within the block. Raises TierbotError if `keep` exists."""
    if demo.keep is not None and demo.keep.exists():
        raise TierbotError(f"{demo.keep} already exists. Choose a new file for the demo's database, or move that one.")
    clock = SystemClock()
    rng = np.random.default_rng(demo.seed)
    stories = archive(demo.archive, demo.start, clock.now(), rng) if demo.archive else corpus(clock.now(), rng)
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess(port=demo.port, seed=demo.seed, users=PLAYERS))
        folder = stack.enter_context(own_folder("tierbot-demo"))
        database = demo.keep.absolute() if demo.keep else Path(folder, "demo.db")
        settings = _settings(demo, sandbox, f"sqlite:///{database}")
        encoder = encoder_of(settings.encoder)
        say("Loading the sentence encoder and the first model …")
        model_files = first_model(stories, encoder, clock.now(), demo.seed)
        panel, one_by_one, learned = Panel(), threading.Lock(), dict[str, Any]()

        def show(workspace: str) -> None:
            with one_by_one, bot.store.read(workspace) as tx:
                sandbox.show({**panel.of(tx), **learned})

        bot = build(settings, encoder=encoder, model_files=model_files, tags=stories.tags, after_settling=show)
        stack.callback(bot.close)
        runner = connect(bot)
        workspace = bot.only_workspace()
        for part in (runner, bot):
            part.start()
            stack.callback(part.stop)
        _wait(lambda: runner.connected, "connect to the sandbox")  # a command before that would fail
        team = demo_team(demo.colleagues, rng, stories.tags.ids)
        truth = Truth((row.url, row.title, row.tags) for row in stories.stream)
        colleagues = Colleagues(
            sandbox.address.control_url, team, truth, stories.tags, seed=demo.seed, speed=demo.speed,
            token=sandbox.address.control_token,
        )  # fmt: skip
        stack.enter_context(colleagues)
        show(workspace)
        say(f"The workspace is open at {sandbox.address.url}")
        first = Classifier.from_bytes(model_files.weights)
        shown = partial(show, workspace)
        yield Scene(demo, bot, workspace, sandbox, colleagues, stories, truth, first, learned, shown)


def _settings(demo: DemoSettings, sandbox: SandboxProcess, database: str) -> Settings:
    address = sandbox.address
    return load_settings(
        None,
        slack_bot_token=address.bot_token,
        slack_app_token=address.app_token,
        slack_api_url=address.api_url,
        channel=address.channel,
        database_url=database,
        seed=demo.seed,
        slack_posts_per_second=demo.posts_per_second,
        # In short rounds, enough blank, randomly selected posts to measure unbiased accuracy, and to judge each round's model.
        blank_share=0.2,
        random_share=1.0,  # every story is posted, so nothing is left to select
        push_every_hours=168,  # the demo's admin requests pushes, closings and retrainings; the schedule only runs them
        round_days=7,  # the demo's admin closes each round as soon as it is played
        retrain_after=10**9,
        retrain_every_days=60,
        feeds=None,  # all of its own stories, and no others
        boundaries=None,
        ask_unclear=True,  # every story is posted
    )


def take_in(scene: Scene, played: int) -> int:
    """Take in the next round's stories, after `played` rounds; return their number."""
    share = scene.demo.posts  # post every story, because rounds of selected ones would not be comparable
    rows = scene.stories.stream[played * share : (played + 1) * share]
    now = scene.bot.clock.now()
    scene.bot.loop.take_in(scene.workspace, [to_article(row, now) for row in rows])
    return len(rows)


def play_round(scene: Scene, say: Say, watch: Watch = lambda _: None) -> dict[str, Any]:
    """Play the open round and return its record.

    The person at the page may act as an admin meanwhile. If they close the round early, it isn't closed again, and its
    remaining stories are posted in the next round.
    """
    number = _look_at(scene, _current)
    say(f"Round {number}: {scene.demo.posts} posts …")
    _post_all(scene)
    _wait_until_quiet(scene, watch)
    if _look_at(scene, lambda tx: _is_open(tx, number)):
        scene.sandbox.command("/tier round close")
        _wait(lambda: not _look_at(scene, lambda tx: _is_open(tx, number)), "close the round")
    say(f"Round {number}: learning …")
    before, data = _look_at(scene, _trained), _look_at(scene, training_data_of)
    scene.sandbox.command("/tier retrain")
    if data.verdicts:
        _wait(lambda: _look_at(scene, _trained) != before, "retrain")
    record = _record(scene, number)
    scene.learned["gain"] = record["gain"] and {"round": number, **record["gain"]}
    scene.show()
    return record


def _look_at(scene: Scene, at: Callable[[Transaction], T]) -> T:
    with scene.bot.store.read(scene.workspace) as tx:
        return at(tx)


def _current(tx: Transaction) -> int:
    current = tx.rounds.current()
    if current is None:
        raise TierbotError("No round is open. Start the bot to open one.")
    return current.number


def _is_open(tx: Transaction, number: int) -> bool:
    """Return whether a round can be closed; one without posts can't."""
    round_ = tx.rounds.get(number)
    return round_ is not None and round_.frozen_at is None and any(post.ts for post in tx.posts.in_round(number))


def _trained(tx: Transaction) -> tuple[str, datetime | None]:
    """Return what a retraining changes: the newest model, and the time of the last attempt."""
    due = tx.agenda.get("retrain")
    return tx.models.all()[0].id, due.ran_at if due else None


def _post_all(scene: Scene) -> None:
    """Push until every waiting story is posted."""
    left, asked, until = -1, -_ASK_AGAIN, time.monotonic() + _PATIENCE
    while waiting := _look_at(scene, lambda tx: len(tx.articles.waiting(_MOST_WAITING))):
        now = time.monotonic()
        if left not in {-1, waiting}:
            asked, until = now, now + _PATIENCE  # a push is running
        left = waiting
        if now - asked > _ASK_AGAIN:
            scene.sandbox.command(f"/tier push {waiting}")
            asked = now
        if now > until:
            raise _gave_up("post its stories")
        time.sleep(_POLL)


def _wait(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > until:
            raise _gave_up(what)
        time.sleep(_POLL)


def _gave_up(what: str) -> TierbotError:
    return TierbotError(f"The demo gave up: it could not {what} within {_PATIENCE:g} s. The log above may say why.")


def _wait_until_quiet(scene: Scene, watch: Watch) -> None:
    """Wait until everything is sent, all colleagues are done, and every vote is settled."""
    until, quiet, shown = time.monotonic() + _PATIENCE, 0, 0.0
    while quiet < _QUIET_POLLS:
        if time.monotonic() - shown > _SHOWN_EVERY:
            shown = time.monotonic()
            watch(scene.bot.game.round_status(scene.workspace))
        if time.monotonic() > until:
            raise _gave_up("finish the round's votes")
        with scene.bot.store.read(scene.workspace) as tx:
            counts = tx.outbox.counts()
            unread = tx.ledger.untallied(1) or tx.posts.unsettled()
        open_ = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
        quiet = 0 if open_ or unread or scene.colleagues.busy else quiet + 1
        time.sleep(_POLL)


def _record(scene: Scene, number: int) -> dict[str, Any]:
    names = scene.sandbox.names()
    with scene.bot.store.read(scene.workspace) as tx:
        posts, settled = tx.posts.in_round(number), tx.verdicts.settled(rounds=[number])
        reactions = sum(len(tx.ledger.events(post.channel, post.ts)) for post in posts if post.ts)
        newest, champion = tx.models.all()[0], tx.models.champion()
        standings, so_far = tx.rounds.standings(number), accuracy(tx.verdicts.settled())
        learned = gain(tx, settled, scene.first_model, scene.bot.encoder, scene.truth)
    abstained = sum(item.verdict.outcome is Outcome.ABSTAINED for item in settled)
    return {
        "round": number,
        "posts": len(posts),
        "reactions": reactions,
        "verdicts": len(settled) - abstained,
        "abstentions": abstained,
        "accuracy": {
            "all": asdict(accuracy(settled)),
            "blank": asdict(accuracy(settled, arm=Arm.BLANK, random_only=True)),
            "all_rounds": asdict(so_far),
        },
        "gain": asdict(learned) if learned else None,
        "model": newest.id,
        "promoted": champion is not None and champion.id == newest.id,
        "standings": [
            {**asdict(line), "user": names.get(line.user, line.user), "agreement": line.agreement} for line in standings
        ],
    }
