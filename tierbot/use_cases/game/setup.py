"""Sets up workspaces at startup and when the app is installed; tells the installer the next step."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tierbot.domain.nouns import key
from tierbot.domain.predict.model import NoPredictorError, PredictorError
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings
from tierbot.use_cases.asking.push_schedule import open_from
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.game.nudges import Nudges
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.ports import Clock, Job, Store, Transaction, Workspace
from tierbot.use_cases.rounds.rounds import Rounds
from tierbot.use_cases.voting.emoji_aliases import JOB as EMOJI_ALIASES

log = logging.getLogger(__name__)

JOB = "join"


@dataclass(eq=False)
class Setup:
    """Sets a workspace up, or brings it up to date: its tags, a first model, an open round, its recurring jobs."""

    store: Store
    clock: Clock
    settings: Settings
    registry: Registry
    rounds: Rounds
    nudges: Nudges

    def prepare(self, workspace: Workspace, tags: TagSpace) -> None:
        """Set a workspace up. Raises NoPredictorError if TIERBOT_PREDICTOR names a predictor that isn't installed."""
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
                self.rounds.open(tx, 1)
            self._plan(tx, now)
        self.nudges.plan(workspace.id)
        if self.settings.predictor:
            self._follow_predictor(workspace.id, self.settings.predictor)
        self.registry.publish(workspace.id)  # an earlier process may have died before publishing

    def _plan(self, tx: Transaction, now: datetime) -> None:
        settings = self.settings
        retraining, tomorrow = now + timedelta(days=settings.retrain_every_days), now + timedelta(days=1)
        first = {"push": open_from(settings, now), "poll": now, "retrain": retraining, "expire": now, "watch": tomorrow}
        first |= {EMOJI_ALIASES: now, "prune": now}
        for kind, due_at in first.items():
            if tx.agenda.get(kind) is None:
                tx.agenda.plan(kind, due_at)
        tx.agenda.plan("reconcile", now)  # find what was missed while no process was running

    def _follow_predictor(self, workspace: str, name: str) -> None:
        """Put the predictor that the settings name in service; if it fails, log that and keep our own model."""
        try:
            self.registry.follow(workspace, name)
        except NoPredictorError as fault:
            raise NoPredictorError(f"TIERBOT_PREDICTOR: {fault}") from fault
        except PredictorError as fault:
            log.warning("%s Until it is fixed, the previous model answers.", fault)


def join(
    store: Store,
    clock: Clock,
    messages: DirectMessages,
    prepare: Callable[[Workspace], None],
    default_channel: str,
    workspace: str,
    job: Job,
) -> None:
    """Set up a workspace with `prepare`, after an installation or at startup; welcome an installer."""
    bot_user, installer = job.payload.get("bot_user"), job.payload.get("installer")
    with store.read(workspace) as tx:
        known = tx.workspaces.get()
    prepare(Workspace(workspace, known.name if known else workspace, clock.now(), bot_user=bot_user))
    if not installer:
        return
    with store.read(workspace) as tx:
        news = {"kind": "welcome", "channel": channel_of(tx, default_channel), "bot": bot_user or ""}
    welcome = messages.to(workspace, [installer], news, "welcome", job.payload.get("installed_at"))
    with store.begin(workspace) as tx:
        tx.outbox.add(welcome)


def bring_up_to_date(store: Store, clock: Clock) -> None:
    """Request setup for every active workspace: tags may have changed, and events may have been missed."""
    now = clock.now()
    for workspace in store.running_ids():
        try:
            with store.begin(workspace) as tx:
                if not any(job.kind == JOB for job in tx.agenda.all()):
                    tx.agenda.ask(Job.request(JOB, key(JOB, "start", now), now))
        except Exception:  # an error in one workspace must not stop the others
            log.exception("%s cannot be brought up to date", workspace)
