"""Doubts about trainers that are in force: kept beside the workspace's switches, never longer than their evidence.

A doubt comes from `feedback/suspicion.py`. While it is in force the plain rule counts the votes of those whom it
names half; the anchor-aware rule weighs every voter by what the others' votes bear out and needs no telling. Admins
are told, and may overrule a doubt: it has no effect from then on and is not raised again on the same grounds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from tierbot.domain.feedback.suspicion import Suspicion
from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.ports import Transaction

_KEPT = "doubts"
_POSTS = 10  # of a doubt's evidence, so many posts are kept to look at


@dataclass(frozen=True, slots=True)
class Doubt:
    """What somebody is suspected of, with its evidence; see feedback.suspicion.Suspicion for the numbers.

    noticed_at, overruled_at: ISO 8601. `overruled_by` is the admin who said that there is nothing to it, or "".
    """

    id: str
    behavior: str
    users: tuple[str, ...]
    tag: str | None
    observed: int
    expected: float
    chances: int
    p_value: float
    evidence: str
    post_ids: tuple[str, ...]
    noticed_at: str
    overruled_by: str = ""
    overruled_at: str = ""

    @property
    def in_force(self) -> bool:
        """Whether nobody overruled it."""
        return not self.overruled_by


def doubt_of(found: Suspicion, now: datetime) -> Doubt:
    """Return a suspicion as a doubt; the same people at the same thing have the same id."""
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
        noticed_at=now.isoformat(),
    )


def doubts(tx: Transaction) -> list[Doubt]:
    """Return all doubts of a workspace, those that were overruled too."""
    known = tx.workspaces.get()
    rows: Sequence[Mapping[str, Any]] = known.settings.get(_KEPT, ()) if known else ()
    return [
        Doubt(**{**row, "users": tuple(row["users"]), "post_ids": tuple(row["post_ids"])})  # JSON knows no tuples
        for row in rows
    ]


def doubted(tx: Transaction) -> frozenset[str]:
    """Return the users whose votes are doubted at present."""
    return frozenset(user for one in doubts(tx) if one.in_force for user in one.users)


def renew(tx: Transaction, found: Iterable[Suspicion], now: datetime) -> None:
    """Keep what was found just now. A doubt without evidence any more is dropped.

    Whatever was overruled stays so.
    """
    former = {one.id: one for one in doubts(tx)}
    now_found = {one.id: one for one in (doubt_of(suspicion, now) for suspicion in found)}
    kept = [
        replace(
            one,
            noticed_at=former[id_].noticed_at,
            overruled_by=former[id_].overruled_by,
            overruled_at=former[id_].overruled_at,
        )
        if id_ in former
        else one
        for id_, one in now_found.items()
    ]
    overruled = [one for id_, one in former.items() if id_ not in now_found and not one.in_force]
    for what, ids in (("doubt", now_found.keys() - former.keys()), ("end doubt", former.keys() - now_found.keys())):
        for id_ in sorted(ids):
            one = now_found.get(id_) or former[id_]
            if one.in_force:
                tx.workspaces.audit("tierbot", what, None, {"doubt": id_, "behavior": one.behavior}, now)
    _put(tx, [*kept, *overruled])


def overrule(tx: Transaction, doubt_id: str, by: str, now: datetime) -> Doubt:
    """End a doubt because an admin says so; audited.

    Raises TierbotError if there is no such doubt, or it was overruled before.
    """
    every = doubts(tx)
    wanted = next((one for one in every if one.id == doubt_id and one.in_force), None)
    if wanted is None:
        raise TierbotError(f"There is no doubt {doubt_id!r} in force. `tierbot doubts` lists those there are.")
    ended = replace(wanted, overruled_by=by, overruled_at=now.isoformat())
    _put(tx, [ended if one.id == doubt_id else one for one in every])
    tx.workspaces.audit(by, "overrule doubt", {"doubt": doubt_id, "behavior": wanted.behavior}, None, now)
    return ended


def forget_doubts(tx: Transaction, user: str) -> None:
    """Drop every doubt that names a person."""
    every = doubts(tx)
    kept = [one for one in every if user not in one.users]
    if len(kept) < len(every):
        _put(tx, kept)


def _put(tx: Transaction, every: Iterable[Doubt]) -> None:
    known = tx.workspaces.get()
    if known is not None:
        tx.workspaces.put(replace(known, settings={**known.settings, _KEPT: [asdict(one) for one in every]}))
