"""The scheduled smoke test: a canary is posted and voted on every few hours; admins learn which step failed."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tierbot.domain.doctor.smoke_test import Step, broken, news_of
from tierbot.domain.nouns import TierbotError
from tierbot.settings import Settings
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.ports import Clock, Job, SmokeTestResult, Store, Transaction

log = logging.getLogger(__name__)

JOB = "smoke_test"


def do_smoke_test(
    store: Store,
    clock: Clock,
    settings: Settings,
    messages: DirectMessages,
    run: Callable[[str], list[Step]],
    workspace: str,
    _: Job,
) -> None:
    """Run a smoke test, store the result, and tell the admins about a failed step, once a day per step."""
    steps = run(workspace)
    first, now = broken(steps), clock.now()
    told = []
    if first:
        log.warning("The smoke test failed at %r: %s", first.name, first.says)
        news = news_of(steps, settings.smoke_test_channel)
        told = messages.to_admins(workspace, news, "smoke_test", first.name, now.date().isoformat())
    with store.begin(workspace) as tx:
        record_smoke_test(tx, steps, now)
        tx.outbox.add(told)


def plan_smoke_test(store: Store, clock: Clock, settings: Settings, workspace: str) -> None:
    """Schedule the next smoke test, or remove it if it is turned off. Raises TierbotError if it has no channel."""
    every, now = timedelta(hours=settings.smoke_test_every_hours), clock.now()
    if every and not settings.smoke_test_channel:
        raise TierbotError(
            "TIERBOT_SMOKE_TEST_EVERY_HOURS needs TIERBOT_SMOKE_TEST_CHANNEL: the channel for the canary."
        )
    with store.begin(workspace) as tx:
        known = tx.agenda.get(JOB)
        if not every:
            tx.agenda.remove(JOB)
            return
        due_at = known.ran_at + every if known and known.ran_at else now
        tx.agenda.plan(JOB, max(due_at, now + timedelta(minutes=1)))


def record_smoke_test(tx: Transaction, steps: Sequence[Step], at: datetime) -> None:
    """Store the result of a smoke test, for `tierbot status`."""
    first = broken(steps)
    seconds = round(sum(step.seconds for step in steps), 3)
    tx.workspaces.put_smoke_test(
        SmokeTestResult(at, first.name if first else None, first.says if first else "", seconds)
    )
