"""Personal data: exported, anonymized, removed or expired."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.people.doubts import forget_doubts
from tierbot.use_cases.portions import AT_ONCE, in_portions, portions
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

    def expire(self, workspace: str, days: float) -> Counter[str]:
        """Delete personal data older than `days`, except votes in the open round: they have not scored yet.

        A post loses its reactions and votes in the transaction that makes its verdict final, whatever happens next. Returns
        how many rows were deleted, by kind.
        """
        now = self.clock.now()
        before = now - timedelta(days=days)
        gone: Counter[str] = Counter()
        with self.store.read(workspace) as tx:
            old_rows = tx.people.posts_to_expire(before)
        for posts in portions(old_rows.items(), AT_ONCE):
            with self.store.begin(workspace) as tx:
                gone.update(tx.people.expire_posts(posts, before, now))
        others: dict[str, Callable[[Transaction], int]] = {
            "reactions": lambda tx: tx.people.expire_other_reactions(before, AT_ONCE),
            "look-ups": lambda tx: tx.people.expire_reactors(before, AT_ONCE),  # of people without reactions
            "messages": lambda tx: tx.people.expire_messages(before, AT_ONCE),
            "actions": lambda tx: tx.people.expire_actions(before, AT_ONCE),
            "requests": lambda tx: tx.people.expire_requests(before, AT_ONCE),
        }
        for kind, part in others.items():
            gone[kind] += in_portions(self.store, workspace, part)
        return gone


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
