"""People's rights over their own data: to be told it, to be forgotten, and not to be kept for ever."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.people.doubts import forget_doubts
from tierbot.use_cases.ports import Clock, Store, Transaction

_PSEUDONYM = "anon-"


class PersonalData:
    """What a person, or an admin in their name, may ask for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def export(self, workspace: str, user: str) -> dict[str, Any]:
        """Return everything that is kept under a person's id, as plain data.

        Raises TierbotError if nothing is.
        """
        with self._store.read(workspace) as tx:
            found = tx.people.export(user)
        if not any(found.values()):
            raise TierbotError(f"Nothing is kept of {user} in {workspace}. Is it their member id, such as U0123ABCD?")
        return {"workspace": workspace, "user": user, **found}

    def forget(self, workspace: str, user: str, by: str, *, anonymize: bool) -> int:
        """Anonymise or remove a person's data; verdicts stand. Return how many rows were changed.

        What still stands of them in Slack is not read again. Raises TierbotError if nothing is kept of them.
        """
        now = self._clock.now()
        with self._store.begin(workspace) as tx:
            pseudonym = f"{_PSEUDONYM}{secrets.token_hex(6)}"
            changed = tx.people.anonymize(user, pseudonym) if anonymize else tx.people.remove(user, now)
            if not changed:
                raise TierbotError(
                    f"Nothing is kept of {user} in {workspace}. Is it their member id, such as U0123ABCD?"
                )
            forget_doubts(tx, user)
            tx.workspaces.forget_person(_digest(workspace, user))
            tx.workspaces.audit(by, "forget person", None, pseudonym if anonymize else "removed", now)
        return changed

    def expire(self, workspace: str, days: float) -> Mapping[str, int]:
        """Delete what is older than so many days and names people; verdicts, scores and models stay.

        Votes in the open round are kept until it is frozen: they have not scored yet.
        """
        now = self._clock.now()
        with self._store.begin(workspace) as tx:
            return tx.people.expire(now - timedelta(days=days), now)


def not_voters(tx: Transaction) -> Callable[[str], bool]:
    """Return what tells of a user id whether reconciliation leaves it alone.

    That is the bot itself, who was forgotten here, and what was left of them.
    """
    known = tx.workspaces.get()
    bot, workspace = (known.bot_user, known.id) if known else (None, "")
    digests = tx.workspaces.forgotten()

    def gone(user: str) -> bool:
        return user == bot or user.startswith(_PSEUDONYM) or (bool(digests) and _digest(workspace, user) in digests)

    return gone


def _digest(workspace: str, user: str) -> str:
    return hashlib.blake2b(f"{workspace}\x1f{user}".encode(), digest_size=16).hexdigest()
