"""The outbox: deliveries to send, claimed under a lease so that a crash is noticed and nothing is sent twice."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import PostRow
from tierbot.adapters.store.work_rows import HoldRow, OutboxRow, WorkspaceRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks, conflict_aware
from tierbot.use_cases.ports import Delivery, DeliveryKind, DeliveryState

_outbox = table(OutboxRow)
_hold = table(HoldRow)
_post = table(PostRow)
_DELIVERY = Stored(OutboxRow, Delivery)
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)
_NEEDS_ITS_POST = (DeliveryKind.PREFILL, DeliveryKind.UPDATE)


def something_due(now: datetime) -> ColumnElement[bool]:
    """Return the condition that something in a workspace's outbox is due."""
    lateness = case((_outbox.c.state == DeliveryState.SENDING, _outbox.c.lease_until), else_=_outbox.c.due_at)
    mine = _outbox.c.workspace_id == table(WorkspaceRow).c.workspace_id
    return exists().where(mine, _outbox.c.state.in_(_OPEN), lateness <= now)


class SqlOutbox(WorkspaceQueries):
    """ports.Outbox."""

    def add(self, deliveries: Iterable[Delivery]) -> int:
        rows = (_DELIVERY.values(one) | {"post_id": one.payload.get("post_id")} for one in deliveries)
        return sum(self._add(OutboxRow, part, key=("workspace_id", "id")) for part in chunks(rows))

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> list[Delivery]:
        ready = or_(
            and_(_outbox.c.state == DeliveryState.PENDING, _outbox.c.due_at <= now),
            and_(_outbox.c.state == DeliveryState.SENDING, _outbox.c.lease_until <= now),
        )
        held = select(_hold.c.kind).where(self._mine(HoldRow), _hold.c.until > now)
        placed = select(_post.c.id).where(self._mine(PostRow), _post.c.id == _outbox.c.post_id, _post.c.ts.is_not(None))
        other = _outbox.alias()
        being_sent = (
            other.c.workspace_id == self._workspace,
            other.c.state == DeliveryState.SENDING,
            other.c.lease_until > now,
        )
        # Two updates of the same message must not overtake each other: the later one knows more.
        is_update = other.c.kind == DeliveryKind.UPDATE
        busy = select(other.c.seq).where(*being_sent, is_update, other.c.post_id == _outbox.c.post_id)
        # A delivery with priority goes first and alone: no other process may send the rest meanwhile.
        urgent = select(other.c.seq).where(*being_sent, other.c.priority > 0)
        before = select(other.c.seq).where(
            other.c.workspace_id == self._workspace, other.c.id == _outbox.c.after_id, other.c.state.in_(_OPEN)
        )
        statement = (
            self._select(OutboxRow, _outbox.c.seq, *_DELIVERY.columns)
            # The first condition matches the partial index, so finished rows are never read.
            .where(_outbox.c.state.in_(_OPEN), ready, _outbox.c.kind.not_in(held))
            .where(or_(_outbox.c.kind.not_in(_NEEDS_ITS_POST), placed.exists()))
            .where(or_(_outbox.c.kind != DeliveryKind.UPDATE, ~busy.exists()))
            .where(or_(_outbox.c.priority > 0, ~urgent.exists()))
            .where(or_(_outbox.c.after_id.is_(None), ~before.exists()))
            .order_by(func.coalesce(_outbox.c.priority, 0).desc(), _outbox.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True, of=_outbox)
        )
        rows = self._connection.execute(statement).all()
        sending = {"state": DeliveryState.SENDING, "lease_until": lease_until, "attempts": _outbox.c.attempts + 1}
        for part in chunks(row.seq for row in rows):
            self._change(OutboxRow, _outbox.c.seq.in_(part), **sending)
        return [_DELIVERY.of(*row[1:]) for row in rows]

    def done(self, claimed: Delivery, result: str | None, now: datetime) -> bool:
        return self._end(claimed, DeliveryState.DONE, result=result, done_at=now, error=None)

    def retry(self, claimed: Delivery, due_at: datetime, error: str) -> bool:
        return self._end(claimed, DeliveryState.PENDING, due_at=due_at, error=error)

    def park(self, claimed: Delivery, error: str) -> bool:
        parked = self._end(claimed, DeliveryState.PARKED, error=error)
        if parked and claimed.kind is DeliveryKind.POST:
            prefills = (_outbox.c.post_id == claimed.payload["post_id"], _outbox.c.kind == DeliveryKind.PREFILL)
            would_wait = (*prefills, _outbox.c.state.in_(_OPEN))  # forever
            self._change(OutboxRow, *would_wait, state=DeliveryState.PARKED, error="its post was not sent")
        return parked

    def _end(self, claimed: Delivery, state: DeliveryState, **values: Any) -> bool:
        """End a claim. Every claim increments the attempts, so their number distinguishes it from a later claim."""
        still_held = (
            _outbox.c.id == claimed.id,
            _outbox.c.state == DeliveryState.SENDING,
            _outbox.c.attempts == claimed.attempts + 1,
        )
        return self._change(OutboxRow, *still_held, state=state, lease_until=None, **values) == 1

    def hold(self, kind: DeliveryKind, until: datetime) -> None:
        insert = conflict_aware(self._connection, HoldRow)
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["workspace_id", "kind"],
                set_={"until": insert.excluded.until},
                where=_hold.c.until < insert.excluded.until,
            ),
            {"workspace_id": self._workspace, "kind": kind, "until": until},
        )

    def release(self, now: datetime) -> None:
        self._change(OutboxRow, _outbox.c.state == DeliveryState.PENDING, _outbox.c.due_at > now, due_at=now)
        self._change(HoldRow, _hold.c.until > now, until=now)

    def counts(self) -> dict[DeliveryState, int]:
        counted = self._select(OutboxRow, _outbox.c.state, func.count()).group_by(_outbox.c.state)
        found = dict.fromkeys(DeliveryState, 0)
        found.update((state, count) for state, count in self._connection.execute(counted))
        return found

    def waiting(self, kind: DeliveryKind, post_id: str) -> list[Delivery]:
        pending = _outbox.c.state == DeliveryState.PENDING
        wanted = (pending, _outbox.c.kind == kind, _outbox.c.post_id == post_id)
        return self._nouns(_DELIVERY, *wanted, order=(_outbox.c.seq,))

    def oldest(self) -> Delivery | None:
        return self._noun(_DELIVERY, _outbox.c.state.in_(_OPEN), order=(_outbox.c.due_at, _outbox.c.seq))

    def parked(self) -> list[Delivery]:
        return self._nouns(_DELIVERY, _outbox.c.state == DeliveryState.PARKED, order=(_outbox.c.seq,))
