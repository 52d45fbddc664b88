"""The loop: one method per arrow of docs/design.md, and the only place that opens transactions for them.

    article ─► prediction ─► post ─► reaction ─► vote ─► verdict ─► training set ─► model
    poll       ask ────────► deliver  record     tally    settle     retrain ──────► promote
    take_in

Methods read in one short transaction, think outside of any, and write in another, idempotently: doing
anything twice, or dying in between, changes nothing. What needs deciding is decided by pure functions in
predict, feedback, rounds and training.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tierbot.domain.nouns import Article, ModelVersion, Post, ReactionEvent, Round, Thread, TierbotError, key
from tierbot.domain.predict.asking import Asked
from tierbot.domain.predict.model import NoPredictorError, PredictorError
from tierbot.domain.rounds.calendar import next_open
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.rounds.scores import champion, sharpshooter, standings_of
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings, parse_hours
from tierbot.use_cases.articles.intake import Intake, Polled
from tierbot.use_cases.asking.choosing import Chooser, Chosen
from tierbot.use_cases.delivery.dispatch import Dispatcher, Draw, deliveries_of
from tierbot.use_cases.models.registry import Registry, Training
from tierbot.use_cases.ports import Chat, Clock, Delivery, DeliveryKind, Encoder, Store, Transaction, Workspace
from tierbot.use_cases.rounds.round_report import chart_of, figures_before, report_of
from tierbot.use_cases.voting.reconciling import Reconciler, Sweep
from tierbot.use_cases.voting.recording import Recorder
from tierbot.use_cases.voting.settlement import Settlement
from tierbot.use_cases.voting.tallying import tally

log = logging.getLogger(__name__)

Progress = Callable[[Transaction, int], None]
"""Called in each transaction that queues posts, with the number of chosen articles still to queue."""

_WRITTEN_AT_ONCE = 25  # posts a transaction: reactions wait for it, and Slack waits three seconds for them
_TRIES = 5  # at choosing, while somebody else keeps asking about the same articles
_TALLIED_AT_ONCE = 10  # messages; reactions come while others are tallied, and wait for one transaction at most
_FREEZE_ATTEMPTS = 3  # then a round is frozen although votes keep coming: they score, whether settled or not


class Loop:
    """The arrows, for any workspace; ports, clock and randomness come in from bootstrap."""

    def __init__(
        self,
        *,
        store: Store,
        chats: Callable[[str], Chat],
        intake: Intake,
        encoder: Encoder,
        registry: Registry,
        clock: Clock,
        settings: Settings,
        rng: np.random.Generator,
        draw: Draw,
        shut_out: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self.store = store
        self.intake = intake
        self.registry = registry
        self.clock = clock
        self.settings = settings
        self._encoder = encoder
        self.rng = rng
        self._settlement = Settlement(store, clock, aggregator=settings.aggregator, minimum=settings.minimum_voters)
        self._dispatcher = Dispatcher(
            store, chats, clock, draw, per_second=settings.slack_posts_per_second, shut_out=shut_out
        )
        self._recorder = Recorder(store)
        self._reconciler = Reconciler(
            store, chats, clock, days=settings.settle_days, per_second=settings.slack_posts_per_second
        )
        self._chooser = Chooser(
            store=store, encoder=encoder, registry=registry, clock=clock, settings=settings, rng=rng
        )

    # --- before anything else ---------------------------------------------------------------------

    def prepare(self, workspace: Workspace, tags: TagSpace) -> None:
        """Set a workspace up, or bring it up to date: its tags, a first model, an open round, an agenda."""
        now = self.clock.now()
        with self.store.read(workspace.id) as tx:
            first = None if tx.models.champion() else self.registry.first(tags)
        with self.store.begin(workspace.id) as tx:
            known = tx.workspaces.get()
            bot_user = workspace.bot_user or (known.bot_user if known else None)
            tx.workspaces.put(replace(known or workspace, name=workspace.name, bot_user=bot_user))
            tx.workspaces.put_tags(tx.workspaces.tags().updated(tags, now))
            if first is not None and tx.models.champion() is None:
                tx.models.add(*first)
            if tx.rounds.current() is None:
                self.open_round(tx, 1)
            opens = next_open(now, parse_hours(self.settings.quiet_hours), self.settings.weekdays, self.settings.zone)
            retraining = now + timedelta(days=self.settings.retrain_every_days)
            daily = (("expire", now), ("watch", now + timedelta(days=1)))
            for kind, due_at in (("push", opens), ("poll", now), ("retrain", retraining), *daily):
                if tx.agenda.get(kind) is None:
                    tx.agenda.plan(kind, due_at)
            tx.agenda.plan("reconcile", now)  # whatever happened while nobody listened
        if self.settings.predictor:
            self._follow_predictor(workspace.id, self.settings.predictor)
        self.registry.publish(workspace.id)  # the process may have died before it did

    def _follow_predictor(self, workspace: str, name: str) -> None:
        """Let the predictor answer that the settings name; one that breaks is reported, and ours goes on.

        Raises NoPredictorError if none of this name is installed.
        """
        try:
            self.registry.follow(workspace, name)
        except NoPredictorError as fault:
            raise NoPredictorError(f"TIERBOT_PREDICTOR: {fault}") from fault
        except PredictorError as fault:
            log.warning("%s Until it is mended the model before answers.", fault)

    def channel(self, tx: Transaction) -> str:
        """Return the channel that a workspace plays in: chosen there, else the setting's; empty if there is none yet."""
        known = tx.workspaces.get()
        return known.plays_in(self.settings.channel) if known else self.settings.channel

    # --- article --------------------------------------------------------------------------------

    def take_in(self, workspace: str, articles: Sequence[Article]) -> tuple[int, int]:
        """Store incoming articles, duplicates folded; return (new articles, copies folded)."""
        return self.intake.take_in(workspace, articles)

    def poll(self, workspace: str) -> Polled:
        """Read the feeds that may be asked again and take their articles in; broken ones are reported."""
        return self.intake.poll(workspace)

    def embed(self, workspace: str, most: int | None = None) -> int:
        """Compute and store embeddings that are missing, the newest `most` articles' (None: all); return how many."""
        return self.intake.embed(workspace, most)

    # --- article → prediction → post --------------------------------------------------------------

    def ask(
        self,
        workspace: str,
        count: int,
        *,
        spread: timedelta = timedelta(0),
        channel: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> int:
        """Choose up to `count` waiting articles, predict, and queue a post of each; return how many.

        The posts fall due evenly over `spread`, in the workspace's channel or the one given. They are written a
        few at a time; each transaction calls `progress` with the number still to queue.
        """
        posted = 0
        for _ in range(_TRIES):
            if posted >= count:
                break
            chosen = self._chooser.choose(workspace, count - posted)
            new = self._ask(workspace, chosen, spread, channel, progress)
            posted += new
            if new == len(chosen.asking.asked):
                break  # otherwise somebody else asked about some of them meanwhile
        return posted

    def ask_in_threads(self, workspace: str) -> int:
        """Queue a post, in its thread, of each message that somebody asked about; return how many."""
        return self._ask(workspace, self._chooser.for_threads(workspace), timedelta(0), None, lambda *_: None)

    def _ask(self, workspace: str, chosen: Chosen, spread: timedelta, channel: str | None, progress: Progress) -> int:
        found = chosen.asking
        step = spread / max(1, len(found.asked))
        posted = 0
        for start in range(0, max(1, len(found.asked)), _WRITTEN_AT_ONCE):
            few = found.asked[start : start + _WRITTEN_AT_ONCE]
            left = len(found.asked) - start - len(few)
            with self.store.begin(workspace) as tx:
                round_ = tx.rounds.current()
                if round_ is None:
                    raise TierbotError("No round is open. It opens when the bot starts (`tierbot run`).")
                where = channel or self.channel(tx)
                threads = [chosen.threads.get(item.prediction.article_id) for item in few]
                if not where and not all(threads):
                    raise TierbotError("No channel is chosen yet. Type `/tier channel` in the one to play in.")
                posted += sum(
                    self._queue_post(tx, item, round_, chosen.tags, self.clock.now() + place * step, where, thread)
                    for place, (item, thread) in enumerate(zip(few, threads, strict=True), start)
                )
                if not left:
                    tx.held_back.add(found.held)
                progress(tx, len(found.asked) - posted)
        return posted

    def _queue_post(
        self,
        tx: Transaction,
        asked: Asked,
        round_: Round,
        tags: TagSpace,
        due_at: datetime,
        channel: str,
        thread: Thread | None,
    ) -> bool:
        prediction = asked.prediction
        post = Post(
            id=key("post", prediction.article_id),
            prediction_id=prediction.id,
            article_id=prediction.article_id,
            round_number=round_.number,
            arm=asked.arm,
            arm_probability=asked.arm_probability,
            shown_tag=prediction.shown_tag,
            channel=thread.channel if thread else channel,
            created_at=self.clock.now(),
        )
        if not tx.posts.add(prediction, post):
            return False
        tx.outbox.add(deliveries_of(post, tags, due_at, thread))
        return True

    def deliver(self, workspace: str) -> bool:
        """Send the next thing that is due in the outbox; return whether there was one."""
        return self._dispatcher.deliver(workspace)

    # --- reaction → vote → verdict ----------------------------------------------------------------

    def record(self, workspace: str, event: ReactionEvent) -> bool:
        """Write one reaction event into the ledger; return, once committed, whether it was new. Nothing else happens."""
        return self._recorder.record(workspace, event)

    def tally(self, workspace: str) -> int:
        """Derive the votes of every message whose events were not read yet; return how many messages."""
        read = 0
        while True:
            with self.store.begin(workspace) as tx:
                few = tally(tx, _TALLIED_AT_ONCE, self.clock.now())
            read += few
            if few < _TALLIED_AT_ONCE:
                return read

    def settle(self, workspace: str) -> int:
        """Settle every post whose votes changed since its last verdict; return how many."""
        self.tally(workspace)
        return self._settlement.settle(workspace)

    def reconcile(self, workspace: str, resume: Mapping[str, Any] | None = None) -> Sweep:
        """Compare open posts with Slack, newest first, a slice at a time; what was missed enters the ledger."""
        return self._reconciler.sweep(workspace, resume)

    def reconcile_soon(self, workspace: str) -> None:
        """Put a reconciliation on the agenda: after a new connection, something may have been missed."""
        with self.store.begin(workspace) as tx:
            tx.agenda.plan("reconcile", self.clock.now())

    # --- rounds -----------------------------------------------------------------------------------

    def open_round(self, tx: Transaction, number: int) -> None:
        """Open round `number` from now on."""
        now = self.clock.now()
        length = timedelta(days=self.settings.round_days)
        tx.rounds.open(Round(number=number, opened_at=now, closes_at=now + length))
        tx.agenda.plan("close_round", now + length)

    def close_round(self, workspace: str) -> Round | None:
        """Freeze the current round's standings, announce its champion, open the next; return the closed round.

        What is recorded until the freeze scores. A round in which nothing was posted stays open for another while;
        None then.
        """
        for attempt in range(_FREEZE_ATTEMPTS):
            self.settle(workspace)
            self._settlement.settle_round(workspace)
            with self.store.read(workspace) as tx:
                current = tx.rounds.current()
                former = figures_before(tx, current.number) if current else []
            with self.store.begin(workspace) as tx:
                if current is None or tx.rounds.current() != current:
                    return None  # another process has just closed it
                late = 0
                while few := tally(tx, _TALLIED_AT_ONCE, self.clock.now()):
                    late += few
                if not late or attempt == _FREEZE_ATTEMPTS - 1:
                    return self._freeze(tx, current, former)
            # What came in meanwhile is settled before the standings tell how it agrees.
        return None

    def _freeze(self, tx: Transaction, current: Round, former: Sequence[RoundFigures]) -> Round | None:
        now = self.clock.now()
        if not any(post.ts for post in tx.posts.in_round(current.number)):
            self._prolong(tx, current, now)
            return None
        tx.posts.move_queued(current.number, current.number + 1)  # nobody has seen them: they are the next round's
        posts = tx.posts.in_round(current.number)
        verdicts = tx.verdicts.latest([post.id for post in posts])
        standings = standings_of(posts, tx.ledger.votes_in_round(current.number), verdicts)
        closed = replace(current, frozen_at=now, champion=champion(standings), sharpshooter=sharpshooter(standings))
        if not tx.rounds.freeze(closed, standings):
            return None
        self.open_round(tx, current.number + 1)
        words = key("round_closed", current.number)
        self._to_channel(tx, words, DeliveryKind.ANNOUNCE, report_of(tx, closed, standings, posts), priority=1)
        picture = chart_of(tx, current.number, former)
        chart = key("round_chart", current.number)
        self._to_channel(tx, chart, DeliveryKind.PICTURE, picture, priority=1, after_id=words)
        return closed

    def _prolong(self, tx: Transaction, current: Round, now: datetime) -> None:
        closes_at = now + timedelta(days=self.settings.round_days)
        tx.rounds.prolong(current.number, closes_at)
        tx.agenda.plan("close_round", closes_at)

    def announce(self, tx: Transaction, delivery_id: str, news: dict[str, Any]) -> None:
        """Queue an announcement to the channel; the same id is announced once."""
        self._to_channel(tx, delivery_id, DeliveryKind.ANNOUNCE, news)

    def _to_channel(
        self,
        tx: Transaction,
        delivery_id: str,
        kind: DeliveryKind,
        payload: dict[str, Any],
        *,
        priority: int | None = None,
        after_id: str | None = None,
    ) -> None:
        now, channel = self.clock.now(), self.channel(tx)
        if channel:  # before one is chosen there is nobody to tell
            tx.outbox.add(
                [Delivery(delivery_id, kind, channel, payload, now, now, priority=priority, after_id=after_id)]
            )

    # --- verdict → training set → model -----------------------------------------------------------

    def retrain(self, workspace: str) -> Training | None:
        """Train a challenger on every verdict, promote it unless it is worse; None without verdicts."""
        self.settle(workspace)
        self._settlement.settle_round(workspace)
        return self.registry.retrain(workspace, self._announce_training)

    def _announce_training(self, tx: Transaction, training: Training) -> None:
        self.announce(tx, key("trained", training.version.id), training.announcement())

    def roll_back(self, workspace: str, by: str) -> ModelVersion:
        """Put the champion's parent back in service and announce it; return the version now in service."""

        def announce(tx: Transaction, version: ModelVersion) -> None:
            news = {"kind": "model_rolled_back", "model": version.id, "number": version.number, "by": by}
            self.announce(tx, key("rolled_back", version.id, self.clock.now().isoformat()), news)

        return self.registry.roll_back(workspace, by, announce)
