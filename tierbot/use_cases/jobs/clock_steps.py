"""Reschedules everything after a machine's clock was set back; otherwise, nothing would run until it caught up.

The schedule's lease shows when a process last ran. If that time is in the future, the clock was set back, while a
process was running or between two, and one transaction per workspace reschedules its work. A clock that was set forward
needs no such step: whatever is due runs.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tierbot.use_cases.ports import SCHEDULER, SCHEDULER_LEASE, Job, Store, Transaction

log = logging.getLogger(__name__)

Next = Callable[[Transaction, datetime], datetime]
"""Returns when a recurring job is due again, given the time (UTC) at which it finished."""

TOLERATED = timedelta(minutes=2)
"""How far the clocks of two machines may differ."""

MOST = timedelta(days=60)
"""A clock that is further behind is wrong now, as on a machine that starts in 1970; nothing is scheduled by it."""


def follow_clock(store: Store, recurring: Mapping[str, Next], now: datetime) -> str | None:
    """Reschedule the work of every workspace if the clock was set back since a process last ran.

    `recurring` has every recurring kind of job. Returns a short error if the clock is more than MOST behind, else None.
    """
    wrong = None
    for workspace in store.ahead(SCHEDULER, now + SCHEDULER_LEASE + TOLERATED):
        with store.begin(workspace) as tx:
            lease = tx.leases.get(SCHEDULER)
            step = lease[1] - SCHEDULER_LEASE - now if lease else timedelta(0)
            if step > MOST:
                wrong = f"the clock is {step.days} days behind the last use of the database"
            elif step > TOLERATED:  # no other process has noticed meanwhile
                _plan_anew(tx, recurring, step, now)
                tx.leases.end(SCHEDULER, now)
                log.warning("The clock was set back by %s. Jobs and messages are rescheduled.", step)
    if wrong:
        log.error("Nothing is scheduled: %s. Set the clock.", wrong)
    return wrong


def _plan_anew(tx: Transaction, recurring: Mapping[str, Next], step: timedelta, now: datetime) -> None:
    current = tx.rounds.current()
    if current is not None and current.opened_at > now:
        tx.rounds.prolong(current.number, max(now, current.closes_at - step))
    for job in tx.agenda.all():
        if job.due_at > now:
            tx.agenda.put(replace(job, due_at=_due(tx, job, recurring.get(job.kind), step, now)))
    tx.outbox.reschedule(step, now)


def _due(tx: Transaction, job: Job, due_again: Next | None, step: timedelta, now: datetime) -> datetime:
    earlier = max(now, job.due_at - step)
    if job.recurs and not job.attempts and due_again is not None:
        return min(job.due_at, due_again(tx, now))  # at a time at which it may run
    return earlier
