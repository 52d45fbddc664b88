"""Doubts about trainers, stored only as long as their evidence lasts.

Doubts come from `domain/feedback/suspicion.py`. While one is in force, the plain rule counts these people's votes half; the
anchor-aware rule weighs every voter anyway. Admins are told and may overrule a doubt: then it has no effect and is not raised
again on the same grounds.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tierbot.domain.feedback.suspicion import Suspicion
from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.ports import Doubt, Transaction

_POSTS = 10  # posts stored as a doubt's evidence


def doubt_of(found: Suspicion, now: datetime) -> Doubt:
    """Return a suspicion as a doubt; the id depends only on the behavior, the people and the tag."""
    return Doubt(
        id=key(found.behavior, *found.users, found.tag or ""),
        behavior=str(found.behavior),
        users=found.users,
        tag=found.tag,
        observed=found.observed,
        expected=round(found.expected, 2),
        chances=found.chances,
        p_value=found.p_value,
        evidence=found.evidence,
        post_ids=found.post_ids[:_POSTS],
        noticed_at=now,
    )


def doubted(tx: Transaction) -> frozenset[str]:
    """Return the users whose votes are in doubt."""
    return frozenset(user for one in tx.doubts.all() if one.in_force for user in one.users)


def renew(tx: Transaction, found: Iterable[Suspicion], now: datetime) -> None:
    """Store what was found now and drop doubts without evidence; overruled doubts stay overruled."""
    former = {one.id: one for one in tx.doubts.all()}
    now_found = {one.id: one for one in (doubt_of(suspicion, now) for suspicion in found)}
    for what, ids in (("doubt", now_found.keys() - former.keys()), ("end doubt", former.keys() - now_found.keys())):
        for id_ in sorted(ids):
            one = now_found.get(id_) or former[id_]
            if one.in_force:
                tx.workspaces.audit("tierbot", what, None, {"doubt": id_, "behavior": one.behavior}, now)
    tx.doubts.put(_continued(one, former.get(id_)) for id_, one in now_found.items())
    tx.doubts.remove([id_ for id_, one in former.items() if id_ not in now_found and one.in_force])


def _continued(now: Doubt, former: Doubt | None) -> Doubt:
    if former is None:
        return now
    since, by, at = former.noticed_at, former.overruled_by, former.overruled_at
    return replace(now, noticed_at=since, overruled_by=by, overruled_at=at)


def overrule(tx: Transaction, doubt_id: str, by: str, now: datetime) -> Doubt:
    """End a doubt for an admin, and audit that. Raises TierbotError if there is no such doubt in force."""
    wanted = next((one for one in tx.doubts.all() if one.id == doubt_id and one.in_force), None)
    if wanted is None:
        raise TierbotError(f"There is no doubt {doubt_id!r} in force. `tierbot doubts` lists all doubts.")
    ended = replace(wanted, overruled_by=by, overruled_at=now)
    tx.doubts.put([ended])
    tx.workspaces.audit(by, "overrule doubt", {"doubt": doubt_id, "behavior": wanted.behavior}, None, now)
    return ended


def forget_doubts(tx: Transaction, user: str) -> None:
    """Drop every doubt that names a person."""
    tx.doubts.remove([one.id for one in tx.doubts.all() if user in one.users])
