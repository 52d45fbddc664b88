"""Sets workspaces up: at the start, and when the app is installed; whoever installed it reads the next step."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tierbot.domain.nouns import key
from tierbot.domain.predict.model import NoPredictorError, PredictorError
from tierbot.domain.rounds.calendar import next_open
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings, parse_hours
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.game.nudges import Nudges
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.ports import Clock, Delivery, Job, Store, Transaction, Workspace
from tierbot.use_cases.rounds.rounds import Rounds
from tierbot.use_cases.voting.emoji_aliases import JOB as EMOJI_ALIASES

log = logging.getLogger(__name__)

JOB = "join"


class Setup:
    """Sets a workspace up, or brings it up to date: its tags, a first model, an open round, its recurring jobs."""

    def __init__(
        self, store: Store, clock: Clock, settings: Settings, registry: Registry, rounds: Rounds, nudges: Nudges
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._registry = registry
        self._rounds = rounds
        self._nudges = nudges

    def prepare(self, workspace: Workspace, tags: TagSpace) -> None:
        """Set a workspace up. Raises NoPredictorError if TIERBOT_PREDICTOR names a predictor that isn't installed."""
        now = self._clock.now()
        with self._store.read(workspace.id) as tx:
            first = None if tx.models.champion() else self._registry.first(tags)
        with self._store.begin(workspace.id) as tx:
            known = tx.workspaces.get()
            bot_user = workspace.bot_user or (known.bot_user if known else None)
            tx.workspaces.put(replace(known or workspace, name=workspace.name, bot_user=bot_user))
            tx.workspaces.put_tags(tx.workspaces.tags().updated(tags, now))
            if first is not None and tx.models.champion() is None:
                tx.models.add(*first)
            if tx.rounds.current() is None:
                self._rounds.open(tx, 1)
            self._plan(tx, now)
        self._nudges.plan(workspace.id)
        if self._settings.predictor:
            self._follow_predictor(workspace.id, self._settings.predictor)
        self._registry.publish(workspace.id)  # the process may have died before it did

    def _plan(self, tx: Transaction, now: datetime) -> None:
        settings = self._settings
        opens = next_open(now, parse_hours(settings.quiet_hours), settings.weekdays, settings.zone)
        retraining, tomorrow = now + timedelta(days=settings.retrain_every_days), now + timedelta(days=1)
        first = {
            "push": opens,
            "poll": now,
            "retrain": retraining,
            "expire": now,
            "watch": tomorrow,
            EMOJI_ALIASES: now,
        }
        for kind, due_at in first.items():
            if tx.agenda.get(kind) is None:
                tx.agenda.plan(kind, due_at)
        tx.agenda.plan("reconcile", now)  # whatever happened while no process was running

    def _follow_predictor(self, workspace: str, name: str) -> None:
        """Put the predictor that the settings name in service; if it fails, log that and keep our own model."""
        try:
            self._registry.follow(workspace, name)
        except NoPredictorError as fault:
            raise NoPredictorError(f"TIERBOT_PREDICTOR: {fault}") from fault
        except PredictorError as fault:
            log.warning("%s Until it is fixed, the previous model answers.", fault)


class Joining:
    """A job: sets a workspace up after an installation, and at the start of `tierbot web` and `worker`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        messages: DirectMessages,
        prepare: Callable[[Workspace], None],
        default_channel: str,
    ) -> None:
        """`prepare` sets a workspace up or brings it up to date."""
        self._store = store
        self._clock = clock
        self._messages = messages
        self._prepare = prepare
        self._default_channel = default_channel

    def __call__(self, workspace: str, job: Job) -> None:
        """Set the workspace up; welcome the installer, once per installation."""
        with self._store.read(workspace) as tx:
            known = tx.workspaces.get()
        name = known.name if known else workspace
        bot_user = job.payload.get("bot_user")
        self._prepare(Workspace(workspace, name, self._clock.now(), bot_user=str(bot_user) if bot_user else None))
        messages = self._welcome(workspace, job) if job.payload.get("installer") else []
        with self._store.begin(workspace) as tx:
            tx.outbox.add(messages)

    def _welcome(self, workspace: str, job: Job) -> list[Delivery]:
        with self._store.read(workspace) as tx:
            channel = channel_of(tx, self._default_channel)
        news = {"kind": "welcome", "channel": channel, "bot": str(job.payload.get("bot_user", ""))}
        installer = str(job.payload["installer"])
        return self._messages.to(workspace, [installer], news, "welcome", job.payload.get("installed_at"))


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
