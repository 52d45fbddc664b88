"""Personal data: exported, anonymized, removed or expired."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.people.doubts import forget_doubts
from tierbot.use_cases.ports import Clock, Store, Transaction

_PSEUDONYM = "anon-"


@dataclass(eq=False)
class PersonalData:
    """What people, or admins on their behalf, may request."""

    store: Store
    clock: Clock

    def export(self, workspace: str, user: str) -> dict[str, Any]:
        """Return everything stored about a person, as plain data. Raises TierbotError if nothing is stored."""
        with self.store.read(workspace) as tx:
            found = tx.people.export(user)
        if not any(found.values()):
            raise _unknown(workspace, user)
        return {"workspace": workspace, "user": user, **found}

    def forget(self, workspace: str, user: str, by: str, *, anonymize: bool) -> int:
        """Anonymize or remove a person's data; return how many rows changed. Raises TierbotError if there are none."""
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            pseudonym = f"{_PSEUDONYM}{secrets.token_hex(6)}"
            changed = tx.people.anonymize(user, pseudonym) if anonymize else tx.people.remove(user, now)
            if not changed:
                raise _unknown(workspace, user)
            forget_doubts(tx, user)
            tx.workspaces.forget_person(_digest(workspace, user))
            tx.workspaces.audit(by, "forget person", None, pseudonym if anonymize else "removed", now)
        return changed

    def expire(self, workspace: str, days: float) -> Mapping[str, int]:
        """Delete personal data older than `days`, except votes in the open round: they have not scored yet."""
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            return tx.people.expire(now - timedelta(days=days), now)


def _unknown(workspace: str, user: str) -> TierbotError:
    return TierbotError(f"Nothing is stored about {user} in {workspace}. Is it their member id, such as U0123ABCD?")


def not_voters(tx: Transaction) -> Callable[[str], bool]:
    """Return whether reconciliation ignores a user id: the bot's, a forgotten person's, or a pseudonym."""
    known = tx.workspaces.get()
    bot, workspace = (known.bot_user, known.id) if known else (None, "")
    digests = tx.workspaces.forgotten()

    def gone(user: str) -> bool:
        return user == bot or user.startswith(_PSEUDONYM) or (bool(digests) and _digest(workspace, user) in digests)

    return gone


def _digest(workspace: str, user: str) -> str:
    return hashlib.blake2b(f"{workspace}\x1f{user}".encode(), digest_size=16).hexdigest()
