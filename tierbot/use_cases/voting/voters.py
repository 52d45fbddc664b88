"""Who may vote: members of the workspace, looked up in Slack before their first vote counts.

Bots, deactivated accounts and people from other companies (Slack Connect) have no vote. Messages wait until everyone
who reacted to them is known, so no verdict depends on a stranger. The database stores each answer, so each user is
looked up once, whatever the workspace's size and whichever process asks. Only this asks Slack; settling never does.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.delivery.dispatch import NOT_INSTALLED
from tierbot.use_cases.ports import Chat, ChatError, Clock, RateLimitedError, Store, Transaction
from tierbot.use_cases.voting.reconciling import SHUT_OUT, WITHOUT_METHOD

log = logging.getLogger(__name__)

_AT_ONCE = 50
_AGAIN = timedelta(days=1)  # until a user without a vote is looked up again, because an account may be reactivated
_EVERYONE = SHUT_OUT | WITHOUT_METHOD | {NOT_INSTALLED}  # codes that say nothing about one user
_REST = 30.0  # seconds, after Slack did not answer


def unknown_voters(tx: Transaction, now: datetime, limit: int = 1000) -> list[str]:
    """Return up to `limit` users whose votes wait until they are looked up."""
    return tx.reactors.unknown(limit, now - _AGAIN)


class Voters:
    """Looks up reactors in any workspace."""

    def __init__(self, store: Store, chats: Callable[[str], Chat], clock: Clock) -> None:
        self._store = store
        self._chats = chats
        self._clock = clock
        self._resting: dict[str, float] = {}  # until when, by the monotonic clock

    def look_up(self, workspace: str) -> int:
        """Look up everyone whose vote is waiting for it; return how many. If Slack doesn't answer, those votes keep waiting."""
        now, known = self._clock.now(), 0
        while self._clock.monotonic() >= self._resting.get(workspace, 0.0):
            with self._store.read(workspace) as tx:
                users = unknown_voters(tx, now, _AT_ONCE)
            if not users:
                break
            found = self._ask(workspace, users)
            with self._store.begin(workspace) as tx:
                tx.reactors.put(found, now)
            known += len(found)
            if len(found) < len(users):
                break
        return known

    def _ask(self, workspace: str, users: Sequence[str]) -> dict[str, bool]:
        """Return whether each user may vote; if Slack stops answering, return what is known so far and pause look-ups.

        A user whom Slack doesn't identify has no vote until the next look-up, so that they don't hold up anyone else.
        """
        found: dict[str, bool] = {}
        for user in users:
            try:
                found[user] = self._chats(workspace).is_colleague(user)
            except RateLimitedError as fault:
                self._resting[workspace] = self._clock.monotonic() + fault.retry_after
                break
            except TierbotError as fault:
                if isinstance(fault, ChatError) and fault.code not in _EVERYONE:
                    log.warning("Slack doesn't say who a reactor is, so they have no vote for now: %s", fault)
                    found[user] = False
                    continue
                log.warning("Votes wait until their voters can be looked up in Slack: %s", fault)
                self._resting[workspace] = self._clock.monotonic() + _REST
                break
        return found
