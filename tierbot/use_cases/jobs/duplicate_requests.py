"""A command or a click is obeyed once, whichever of several processes a copy of its request reaches.

Slack's signature is good for five minutes, and a captured request could be sent again in that time. Reactions need no
protection: the ledger knows their event ids. What is no event is remembered in the database, as a lease that nobody
gives back, until no signature of that time is good any more.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from tierbot.use_cases.ports import Clock, Store

GOOD_FOR = timedelta(minutes=11)
"""A signature is taken for five minutes before and after its time; a minute for clocks that differ."""

PREFIX = "request "


def first_time(store: Store, clock: Clock) -> Callable[[str, str], bool]:
    """Return what says of (workspace, signature) whether no process of this database was asked that before."""

    def is_first(workspace: str, signature: str) -> bool:
        now = clock.now()
        with store.begin(workspace) as tx:
            tx.leases.clear(PREFIX, now)
            return tx.leases.take(f"{PREFIX}{signature}", uuid4().hex, now + GOOD_FOR, now)

    return is_first
