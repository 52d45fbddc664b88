"""Every kind of job in one table: what it does and when it is due again.

kind             does                                  due again
push             posts articles                        by the push schedule
ask in threads   asks about tag requests               on request
poll             reads the feeds, embeds what is new   every TIERBOT_POLL_EVERY_MINUTES
close_round      closes the round                      when the next one ends
retrain          trains a challenger                   every TIERBOT_RETRAIN_EVERY_DAYS, or after enough verdicts
reconcile        compares open posts with Slack        every TIERBOT_RECONCILE_EVERY_MINUTES
expire           deletes old personal data             every day
nudge            sends the day's nudges                every day
watch            looks for suspicious votes            every day
join             sets a workspace up                   on request
emoji_missing    tells admins about missing emoji      on request
emoji_aliases    reads the workspace's emoji aliases   every day, and when Slack reports a change
smoke_test       posts a canary and votes on it        every TIERBOT_SMOKE_TEST_EVERY_HOURS
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tierbot.domain.doctor.smoke_test import Step
from tierbot.domain.nouns import DAWN
from tierbot.domain.rounds.calendar import next_open
from tierbot.settings import Settings, parse_hours
from tierbot.use_cases.articles.tag_requests import JOB as IN_THREADS
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.asking.push_schedule import chosen_push, next_push
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING
from tierbot.use_cases.delivery.missing_emoji import MissingEmoji
from tierbot.use_cases.game.nudges import JOB as NUDGE
from tierbot.use_cases.game.setup import JOB as JOIN
from tierbot.use_cases.game.setup import Joining
from tierbot.use_cases.jobs.scheduler import JobKind, Next, Work, every
from tierbot.use_cases.jobs.smoke_test import JOB as SMOKE_TEST
from tierbot.use_cases.jobs.smoke_test import SmokeTest
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.people.suspicion_watch import JOB as WATCH
from tierbot.use_cases.people.suspicion_watch import SuspicionWatch
from tierbot.use_cases.ports import Again, Chat, Clock, Job, Store, Transaction, Workspace
from tierbot.use_cases.voting.emoji_aliases import JOB as EMOJI_ALIASES
from tierbot.use_cases.voting.emoji_aliases import EmojiAliases
from tierbot.use_cases.voting.reconciling import Sweep

log = logging.getLogger(__name__)

_EMBEDDED_AT_A_POLL = 5_000  # articles; a push embeds the ones it considers itself
_DAY = timedelta(days=1)
_SOON = timedelta(minutes=1)


def job_kinds(
    loop: Loop,
    store: Store,
    clock: Clock,
    settings: Settings,
    chats: Callable[[str], Chat],
    messages: DirectMessages,
    rng: np.random.Generator,
    *,
    nudge: Work,
    prepare: Callable[[Workspace], None],
    run_smoke_test: Callable[[str], list[Step]],
) -> dict[str, JobKind]:
    """Return every kind of job by name. Jobs write through `store`.

    `prepare` sets a workspace up; `run_smoke_test` runs a smoke test in a workspace.
    """
    return {
        "push": JobKind(Push(store, settings, loop.ask), _next_push(settings, rng)),
        IN_THREADS: JobKind(just(loop.ask.in_threads)),
        "poll": JobKind(Poll(loop.poll, loop.embed), every(timedelta(minutes=settings.poll_every_minutes))),
        "close_round": JobKind(CloseRound(store, clock, loop.close_round), _rounds_end),
        "retrain": JobKind(
            just(loop.retrain), every(timedelta(days=settings.retrain_every_days)), heavy=True, restarts=True
        ),
        "reconcile": JobKind(
            Reconcile(clock, loop.reconcile), every(timedelta(minutes=settings.reconcile_every_minutes))
        ),
        # Retention promises also hold where the app was uninstalled.
        "expire": JobKind(Expire(PersonalData(store, clock), settings), every(_DAY), also_stopped=True),
        NUDGE: JobKind(nudge, _open_after(settings, _DAY)),
        WATCH: JobKind(SuspicionWatch(store, clock, messages, settings.aggregator), every(_DAY)),
        JOIN: JobKind(Joining(store, clock, messages, prepare, settings.channel)),
        EMOJI_ALIASES: JobKind(EmojiAliases(store, chats), every(_DAY)),
        EMOJI_MISSING: JobKind(MissingEmoji(store, clock, messages)),
        SMOKE_TEST: JobKind(
            SmokeTest(store, clock, settings, messages, run_smoke_test),
            every(timedelta(hours=settings.smoke_test_every_hours)),
        ),
    }


def _next_push(settings: Settings, rng: np.random.Generator) -> Next:
    if settings.push_times == "fixed":
        return lambda _, now: next_push(settings, now)
    return lambda tx, now: chosen_push(tx, settings, now, rng)


def _rounds_end(tx: Transaction, now: datetime) -> datetime:
    """Return when the open round ends; soon where none is open."""
    current = tx.rounds.current()
    return max(current.closes_at if current else now, now + _SOON)


def _open_after(settings: Settings, pause: timedelta) -> Next:
    quiet = parse_hours(settings.quiet_hours)
    return lambda _, now: next_open(now + pause, quiet, settings.weekdays, settings.zone)


# --- what is done -----------------------------------------------------------------------------------


class Push:
    """Posts articles: requested ones immediately, scheduled ones spread out and not while paused."""

    def __init__(self, store: Store, settings: Settings, ask: Ask) -> None:
        self._store = store
        self._settings = settings
        self._ask = ask

    def __call__(self, workspace: str, job: Job) -> None:
        """Post what is left of a push, updating what is left in each transaction."""
        count = int(job.payload.get("count", self._settings.push_count))
        if job.recurs and self._rests(workspace):
            return

        def progress(tx: Transaction, left: int) -> None:
            tx.agenda.left(job.id, {**job.payload, "count": left})

        minutes = self._settings.push_spread_minutes if job.recurs else 0
        self._ask(workspace, count, spread=timedelta(minutes=minutes), progress=progress)

    def _rests(self, workspace: str) -> bool:
        with self._store.read(workspace) as tx:
            known, channel = tx.workspaces.get(), channel_of(tx, self._settings.channel)
        return not channel or (known is not None and known.paused)


class CloseRound:
    """Closes the round that is due or that an admin asked to close, never the next one."""

    def __init__(self, store: Store, clock: Clock, close: Callable[[str], object]) -> None:
        """`close` closes a workspace's open round and opens the next."""
        self._store = store
        self._clock = clock
        self._close = close

    def __call__(self, workspace: str, job: Job) -> None:
        """Close it, unless another request, or this one before a crash, has closed it."""
        with self._store.read(workspace) as tx:
            current = tx.rounds.current()
        if current is None:
            return
        wanted = job.payload.get("round")
        if wanted == current.number or (wanted is None and (not job.recurs or current.closes_at <= self._clock.now())):
            self._close(workspace)


class Reconcile:
    """Compares open posts with Slack, one slice per run, until all are done."""

    def __init__(self, clock: Clock, sweep: Callable[[str, Mapping[str, Any]], Sweep]) -> None:
        """For `sweep` see Reconciler.sweep."""
        self._clock = clock
        self._sweep = sweep

    def __call__(self, workspace: str, job: Job) -> Again | None:
        """Compare one slice."""
        sweep = self._sweep(workspace, job.payload)
        if sweep.again_in is None:
            return None
        return Again(self._clock.now() + timedelta(seconds=sweep.again_in), sweep.resume)


class Poll:
    """Reads the feeds and embeds new articles, so the next push need not wait."""

    def __init__(self, poll: Callable[[str], object], embed: Callable[[str, int], object]) -> None:
        """For both see Intake."""
        self._poll = poll
        self._embed = embed

    def __call__(self, workspace: str, job: Job) -> None:  # noqa: ARG002 - jobs share one signature
        """Read and embed."""
        self._poll(workspace)
        self._embed(workspace, _EMBEDDED_AT_A_POLL)


class Expire:
    """Deletes personal data that is older than the settings allow."""

    def __init__(self, rights: PersonalData, settings: Settings) -> None:
        self._rights = rights
        self._days = max(settings.retention_days, settings.settle_days) if settings.retention_days else 0

    def __call__(self, workspace: str, job: Job) -> None:  # noqa: ARG002 - jobs share one signature
        """Delete it; nothing if no limit is set."""
        gone = self._rights.expire(workspace, self._days) if self._days else {}
        if any(gone.values()):
            log.info(
                "Deleted after %g days: %s.", self._days, ", ".join(f"{n} {what}" for what, n in gone.items() if n)
            )


def just(work: Callable[[str], object]) -> Work:
    """Return a job that ignores its row."""

    def do(workspace: str, _: Job) -> None:
        work(workspace)

    return do


def retrain_if_enough(store: Store, clock: Clock, settings: Settings, workspace: str) -> None:
    """Make a retraining due once enough posts have settled since the last one.

    A failed retraining keeps its own retry time: new verdicts are unlikely to fix it.
    """
    now = clock.now()
    with store.begin(workspace) as tx:
        job = tx.agenda.get("retrain")
        if job is not None and (job.attempts or job.due_at <= now):
            return
        if tx.verdicts.count_since((job.ran_at if job else None) or DAWN) >= settings.retrain_after:
            tx.agenda.plan("retrain", now)
