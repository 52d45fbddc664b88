"""Refuses a command or click that any process on this database has handled before.

Slack's signature is valid for five minutes, in which a captured request could be replayed. Reactions need no protection,
because the ledger knows their event ids. Other requests are recorded as a lease until their signature has expired.
"""

from datetime import timedelta
from uuid import uuid4

from tierbot.use_cases.ports import Clock, Store

GOOD_FOR = timedelta(minutes=11)
"""A signature is accepted for five minutes before and after its time, plus a minute for clock differences."""

PREFIX = "request "


def first_time(store: Store, clock: Clock, workspace: str, signature: str) -> bool:
    """Return whether a request is new to every process on this database, and record it."""
    now = clock.now()
    with store.begin(workspace) as tx:
        tx.leases.clear(PREFIX, now)
        return tx.leases.take(f"{PREFIX}{signature}", uuid4().hex, now + GOOD_FOR, now)
