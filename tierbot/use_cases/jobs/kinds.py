"""Every kind of job in one table: what it does and when it is due again."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from tierbot.domain.doctor.smoke_test import Step
from tierbot.domain.nouns import DAWN
from tierbot.settings import Settings
from tierbot.use_cases.articles.costly_feeds import tell_of_costly_feeds
from tierbot.use_cases.articles.tag_requests import JOB as IN_THREADS
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.asking.push_schedule import chosen_push, next_push, open_from
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.channels import CLOSED, MOVED, move_channel, tell_of_closed_channel
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING
from tierbot.use_cases.game.nudges import JOB as NUDGE
from tierbot.use_cases.game.setup import JOB as JOIN
from tierbot.use_cases.game.setup import join
from tierbot.use_cases.jobs.clock_steps import Next
from tierbot.use_cases.jobs.pruning import prune
from tierbot.use_cases.jobs.scheduler import JobKind, Work, every
from tierbot.use_cases.jobs.smoke_test import JOB as SMOKE_TEST
from tierbot.use_cases.jobs.smoke_test import do_smoke_test
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.people.suspicion_watch import JOB as WATCH
from tierbot.use_cases.people.suspicion_watch import watch_votes
from tierbot.use_cases.ports import Again, Chat, Clock, Encoder, Job, Store, Transaction, Workspace
from tierbot.use_cases.voting.emoji_aliases import JOB as EMOJI_ALIASES
from tierbot.use_cases.voting.emoji_aliases import read_aliases
from tierbot.use_cases.voting.reconciling import Sweep

log = logging.getLogger(__name__)

_EMBEDDED_AT_A_POLL = 5_000  # articles; a push embeds the ones it considers itself
_DAY = timedelta(days=1)


def job_kinds(
    loop: Loop,
    store: Store,
    clock: Clock,
    settings: Settings,
    chats: Callable[[str], Chat],
    messages: DirectMessages,
    encoder: Encoder,
    rng: np.random.Generator,
    *,
    nudge: Work,
    prepare: Callable[[Workspace], None],
    run_smoke_test: Callable[[str], list[Step]],
) -> dict[str, JobKind]:
    """Return every kind of job by name. `prepare` sets a workspace up."""
    return {
        "push": JobKind(partial(_push, store, settings, loop.ask), _next_push(settings, rng)),
        IN_THREADS: JobKind(_just(loop.ask.in_threads)),
        "poll": JobKind(
            partial(_poll, loop, store, clock, messages), every(timedelta(minutes=settings.poll_every_minutes))
        ),
        "close_round": JobKind(partial(_close_round, store, clock, loop.close_round), _rounds_end),
        "retrain": JobKind(
            _just(loop.retrain),
            every(timedelta(days=settings.retrain_every_days)),
            heavy=True,
            restarts=True,
            patience=timedelta(hours=6),
        ),
        "reconcile": JobKind(
            partial(_reconcile, clock, loop.reconcile), every(timedelta(minutes=settings.reconcile_every_minutes))
        ),
        # Retention promises also hold where the app was uninstalled.
        "expire": JobKind(partial(_expire, PersonalData(store, clock), settings), every(_DAY), also_stopped=True),
        "prune": JobKind(partial(prune, store, clock, encoder, settings), every(_DAY)),
        NUDGE: JobKind(nudge, lambda _, now: open_from(settings, now + _DAY)),
        WATCH: JobKind(partial(watch_votes, store, clock, messages, settings.aggregator), every(_DAY)),
        JOIN: JobKind(partial(join, store, clock, messages, prepare, settings.channel)),
        EMOJI_ALIASES: JobKind(partial(read_aliases, store, chats), every(_DAY)),
        CLOSED: JobKind(partial(tell_of_closed_channel, store, clock, chats, messages, settings.channel)),
        MOVED: JobKind(partial(move_channel, store, clock, settings.channel)),
        EMOJI_MISSING: JobKind(partial(tell_of_missing_emoji, store, clock, messages)),
        SMOKE_TEST: JobKind(
            partial(do_smoke_test, store, clock, settings, messages, run_smoke_test),
            every(timedelta(hours=settings.smoke_test_every_hours)),
        ),
    }


def _next_push(settings: Settings, rng: np.random.Generator) -> Next:
    if settings.push_times == "fixed":
        return lambda _, now: next_push(settings, now)
    return lambda tx, now: chosen_push(tx, settings, now, rng)


def _rounds_end(tx: Transaction, now: datetime) -> datetime:
    """Return when the open round ends; soon if none is open."""
    current = tx.rounds.current()
    return max(current.closes_at if current else now, now + timedelta(minutes=1))


# --- what is done -----------------------------------------------------------------------------------


def _just(work: Callable[[str], object]) -> Work:
    """Return a job that ignores its row."""

    def do(workspace: str, _: Job) -> None:
        work(workspace)

    return do


def _push(store: Store, settings: Settings, ask: Ask, workspace: str, job: Job) -> None:
    """Post what is left of a push: a requested one immediately, a scheduled one spread out and not while paused."""
    if job.recurs:
        with store.read(workspace) as tx:
            known, channel = tx.workspaces.get(), channel_of(tx, settings.channel)
        if not channel or (known is not None and known.paused):
            return

    def progress(tx: Transaction, left: int) -> None:
        tx.agenda.left(job.id, {**job.payload, "count": left})

    count = int(job.payload.get("count", settings.push_count))
    minutes = settings.push_spread_minutes if job.recurs else 0
    ask(workspace, count, spread=timedelta(minutes=minutes), progress=progress)


def _close_round(store: Store, clock: Clock, close: Callable[[str], object], workspace: str, job: Job) -> None:
    """Close the round that is due or that an admin asked to close, unless it is already closed; never the next one."""
    with store.read(workspace) as tx:
        current = tx.rounds.current()
    if current is None:
        return
    wanted = job.payload.get("round")
    if wanted == current.number or (wanted is None and (not job.recurs or current.closes_at <= clock.now())):
        close(workspace)


def _reconcile(
    clock: Clock, sweep: Callable[[str, Mapping[str, Any]], Sweep], workspace: str, job: Job
) -> Again | None:
    """Compare one slice of the open posts with Slack; again until all are done."""
    found = sweep(workspace, job.payload)
    if found.again_in is None:
        return None
    return Again(clock.now() + timedelta(seconds=found.again_in), found.resume)


def _poll(loop: Loop, store: Store, clock: Clock, messages: DirectMessages, workspace: str, _: Job) -> None:
    """Read the feeds and embed new articles, so the next push need not wait."""
    loop.poll(workspace)
    tell_of_costly_feeds(store, clock, messages, workspace)
    loop.embed(workspace, _EMBEDDED_AT_A_POLL)


def _expire(rights: PersonalData, settings: Settings, workspace: str, _: Job) -> None:
    """Delete personal data that is older than the settings allow; nothing if they set no limit."""
    if not settings.retention_days:
        return
    days = max(settings.retention_days, settings.settle_days)
    gone = ", ".join(f"{n} {what}" for what, n in rights.expire(workspace, days).items() if n)
    if gone:
        log.info("Deleted after %g days: %s.", days, gone)


def tell_of_missing_emoji(store: Store, clock: Clock, messages: DirectMessages, workspace: str, job: Job) -> None:
    """Tell the admins once about a tag's emoji that the workspace deleted; posts continue without it."""
    names = sorted(job.payload.get("names", ()))
    with store.read(workspace) as tx:
        tags = {tag.short_name: tag.name for tag in tx.workspaces.tags()}
    news = {"kind": "emoji_missing", "missing": [{"emoji": name, "tag": tags.get(name, name)} for name in names]}
    told = messages.to_admins(workspace, news, "emoji missing", *names, clock.now().date())
    with store.begin(workspace) as tx:
        tx.outbox.add(told)


def retrain_if_enough(store: Store, clock: Clock, settings: Settings, workspace: str) -> None:
    """Make a retraining due once enough posts have settled; one that failed keeps its own retry time."""
    now = clock.now()
    with store.begin(workspace) as tx:
        job = tx.agenda.get("retrain")
        if job is not None and (job.attempts or job.due_at <= now):
            return
        if tx.verdicts.count_since((job.ran_at if job else None) or DAWN) >= settings.retrain_after:
            tx.agenda.plan("retrain", now)
