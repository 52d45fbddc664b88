"""The outbox: deliveries to send, claimed under a lease so that a crash is noticed and nothing is sent twice."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import PostRow
from tierbot.adapters.store.work_rows import ClosedChannelRow, HoldRow, OutboxRow, WorkspaceRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks, conflict_aware
from tierbot.use_cases.ports import LOOK_UP, NOT_SENT, SEARCHABLE, Delivery, DeliveryKind, DeliveryState, Search

_outbox = table(OutboxRow)
_hold = table(HoldRow)
_closed = table(ClosedChannelRow)
_post = table(PostRow)
_DELIVERY = Stored(OutboxRow, Delivery)
_OPEN = (DeliveryState.PENDING, DeliveryState.SENDING)
_UNSENT = (*_OPEN, DeliveryState.PARKED)
_FINISHED = (DeliveryState.DONE, DeliveryState.DROPPED)
_TO_DECIDE = (DeliveryState.PENDING, DeliveryState.PARKED)  # what an admin may retry or drop
_UNANSWERED = 4  # attempts in a row without an answer: Slack has been away for minutes
_IN_DOUBT = _outbox.c.search.is_not(None)
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
            .where(_outbox.c.state.in_(_OPEN), ready, *self._may_be_sent(now))
            .where(or_(_outbox.c.kind != DeliveryKind.UPDATE, ~busy.exists()))
            .where(or_(_outbox.c.priority > 0, ~urgent.exists()))
            .where(or_(_outbox.c.after_id.is_(None), ~before.exists()))
            .order_by(func.coalesce(_outbox.c.priority, 0).desc(), case((_IN_DOUBT, 1), else_=0), _outbox.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True, of=_outbox)
        )
        rows = self._connection.execute(statement).all()
        sending = {"state": DeliveryState.SENDING, "lease_until": lease_until, "attempts": _outbox.c.attempts + 1}
        for part in chunks(row.seq for row in rows):
            self._change(OutboxRow, _outbox.c.seq.in_(part), **sending)
            tried = (_outbox.c.kind.in_(SEARCHABLE), _outbox.c.search.is_(None))
            self._change(OutboxRow, _outbox.c.seq.in_(part), *tried, search=Search(now, lease_until))
        return [_DELIVERY.of(*row[1:]) for row in rows]

    def _may_be_sent(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions that neither Slack's pace, nor a closed channel, nor an unsent post holds a row back."""
        # A row that may have been sent is looked up, at the pace of look-ups; the others are sent at their kind's.
        pace = case((_IN_DOUBT, LOOK_UP), else_=_outbox.c.kind)
        here = (_hold.c.kind == pace, _hold.c.channel.in_(("", _outbox.c.channel)))
        held = select(_hold.c.kind).where(self._mine(HoldRow), *here, _hold.c.until > now)
        closed = select(_closed.c.channel).where(self._mine(ClosedChannelRow), _closed.c.until > now)
        placed = select(_post.c.id).where(self._mine(PostRow), _post.c.id == _outbox.c.post_id, _post.c.ts.is_not(None))
        its_post = or_(_outbox.c.kind.not_in(_NEEDS_ITS_POST), placed.exists())
        return ~held.exists(), _outbox.c.channel.not_in(closed), its_post

    def is_stalled(self, now: datetime, patience: timedelta) -> bool:
        due = and_(_outbox.c.state == DeliveryState.PENDING, _outbox.c.due_at <= now - patience)
        waits = or_(due, _outbox.c.failures >= _UNANSWERED)
        waiting = self._select(OutboxRow, _outbox.c.seq).where(
            _outbox.c.state.in_(_OPEN), waits, *self._may_be_sent(now)
        )
        if self._connection.execute(waiting.limit(1)).first() is None:
            return False
        sent = self._select(OutboxRow, _outbox.c.seq).where(_outbox.c.done_at > now - patience)
        return self._connection.execute(sent.limit(1)).first() is None

    def done(self, claimed: Delivery, result: str | None, now: datetime) -> bool:
        return self._end(claimed, DeliveryState.DONE, result=result, done_at=now, error=None, search=None)

    def retry(
        self, claimed: Delivery, due_at: datetime, error: str, *, search: Search | None = None, failures: int = 0
    ) -> bool:
        pending = {"due_at": due_at, "error": error, "search": search, "failures": failures}
        return self._end(claimed, DeliveryState.PENDING, **pending)

    def park(self, claimed: Delivery, error: str, search: Search | None = None) -> bool:
        parked = self._end(claimed, DeliveryState.PARKED, error=error, search=search)
        if parked and claimed.kind is DeliveryKind.POST:
            prefills = (_outbox.c.post_id == claimed.payload["post_id"], _outbox.c.kind == DeliveryKind.PREFILL)
            would_wait = (*prefills, _outbox.c.state.in_(_OPEN))  # forever
            self._change(OutboxRow, *would_wait, state=DeliveryState.PARKED, error=NOT_SENT)
        return parked

    def _end(self, claimed: Delivery, state: DeliveryState, **values: Any) -> bool:
        """End a claim. Every claim increments the attempts, so their number distinguishes it from a later claim."""
        still_held = (
            _outbox.c.id == claimed.id,
            _outbox.c.state == DeliveryState.SENDING,
            _outbox.c.attempts == claimed.attempts + 1,
        )
        return self._change(OutboxRow, *still_held, state=state, lease_until=None, **values) == 1

    def hold(self, kind: str, until: datetime, channel: str = "") -> None:
        insert = conflict_aware(self._connection, HoldRow)
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["workspace_id", "kind", "channel"],
                set_={"until": insert.excluded.until},
                where=_hold.c.until < insert.excluded.until,
            ),
            {"workspace_id": self._workspace, "kind": kind, "channel": channel, "until": until},
        )

    def release(self, now: datetime) -> None:
        self._change(OutboxRow, _outbox.c.state == DeliveryState.PENDING, _outbox.c.due_at > now, due_at=now)
        self._change(HoldRow, _hold.c.until > now, until=now)
        self._change(ClosedChannelRow, _closed.c.until > now, until=now)

    def reschedule(self, step: timedelta, now: datetime) -> None:
        for row in self._connection.execute(
            self._select(OutboxRow, _outbox.c.seq, _outbox.c.due_at, _outbox.c.lease_until, _outbox.c.search).where(
                _outbox.c.state.in_(_OPEN)
            )
        ).all():
            search = row.search and replace(row.search, since=row.search.since - step, cursor=None)
            lease_until = row.lease_until and _back(row.lease_until, step, now)
            values = {"due_at": _back(row.due_at, step, now), "lease_until": lease_until, "search": search}
            self._change(OutboxRow, _outbox.c.seq == row.seq, **values)
        self._change(HoldRow, _hold.c.until > now, until=now)
        self._change(ClosedChannelRow, _closed.c.until > now, until=now)

    def again(self, ids: Iterable[str], now: datetime) -> int:
        fresh = {"state": DeliveryState.PENDING, "due_at": now, "failures": 0, "error": None}
        return self._decide(ids, _outbox.c.state.in_(_TO_DECIDE), fresh, _outbox.c.error == NOT_SENT)

    def drop(self, ids: Iterable[str], now: datetime) -> int:
        dropped = {"state": DeliveryState.DROPPED, "done_at": now}
        return self._decide(ids, _outbox.c.state.in_(_TO_DECIDE), dropped, _outbox.c.state.in_(_TO_DECIDE))

    def _decide(
        self,
        ids: Iterable[str],
        undecided: ColumnElement[bool],
        values: dict[str, Any],
        its_prefills: ColumnElement[bool],
    ) -> int:
        changed = 0
        for part in chunks(ids):
            these = (_outbox.c.id.in_(part), undecided)
            posts = self._select(OutboxRow, _outbox.c.post_id).where(*these, _outbox.c.kind == DeliveryKind.POST)
            post_ids = list(self._connection.execute(posts).scalars())
            prefills = (_outbox.c.post_id.in_(post_ids), _outbox.c.kind == DeliveryKind.PREFILL, its_prefills)
            changed += self._change(OutboxRow, *these, **values) + self._change(OutboxRow, *prefills, **values)
        return changed

    def prune(self, before: datetime, limit: int) -> int:
        unsent = (_outbox.c.state.in_(_UNSENT), _outbox.c.after_id.is_not(None))
        awaited = self._connection.execute(
            self._select(OutboxRow, _outbox.c.after_id).where(*unsent).distinct()
        ).scalars()
        finished = (_outbox.c.state.in_(_FINISHED), _outbox.c.done_at < before, _outbox.c.id.not_in(list(awaited)))
        self._drop(HoldRow, _hold.c.until < before)
        return self._drop_some(OutboxRow, _outbox.c.seq, limit, *finished)

    def unsent(self) -> list[Delivery]:
        return self._nouns(_DELIVERY, _outbox.c.state.in_(_UNSENT), order=(_outbox.c.seq,))

    def waiting_by_channel(self) -> dict[str, int]:
        messages = (_outbox.c.state.in_(_OPEN), _outbox.c.kind != DeliveryKind.PREFILL)
        counted = self._select(OutboxRow, _outbox.c.channel, func.count()).where(*messages)
        rows = self._connection.execute(counted.group_by(_outbox.c.channel))
        return {channel: count for channel, count in rows}  # noqa: C416 - a row isn't a pair for mypy

    def redirect(self, old: str, new: str) -> int:
        kinds = (DeliveryKind.POST, DeliveryKind.ANNOUNCE, DeliveryKind.PICTURE, DeliveryKind.THANK)
        waiting = (_outbox.c.channel == old, _outbox.c.state == DeliveryState.PENDING, _outbox.c.kind.in_(kinds))
        found = self._nouns(_DELIVERY, *waiting, _outbox.c.search.is_(None), order=(_outbox.c.seq,))
        moved = 0
        for part in chunks(one for one in found if not one.payload.get("thread")):
            post_ids = [one.payload["post_id"] for one in part if one.kind is DeliveryKind.POST]
            prefills = (_outbox.c.post_id.in_(post_ids), _outbox.c.kind == DeliveryKind.PREFILL)
            moved += self._change(OutboxRow, _outbox.c.id.in_([one.id for one in part]), channel=new)
            self._change(OutboxRow, *prefills, channel=new)
            self._change(PostRow, _post.c.id.in_(post_ids), channel=new)
        return moved

    def counts(self) -> dict[DeliveryState, int]:
        counted = self._select(OutboxRow, _outbox.c.state, func.count()).group_by(_outbox.c.state)
        found = dict.fromkeys(DeliveryState, 0)
        found.update((state, count) for state, count in self._connection.execute(counted))
        return found

    def waiting(self, kind: DeliveryKind, post_id: str) -> list[Delivery]:
        pending = _outbox.c.state == DeliveryState.PENDING
        wanted = (pending, _outbox.c.kind == kind, _outbox.c.post_id == post_id)
        return self._nouns(_DELIVERY, *wanted, order=(_outbox.c.seq,))

    def count_open(self, kind: DeliveryKind) -> int:
        counted = self._select(OutboxRow, func.count()).where(_outbox.c.state.in_(_OPEN), _outbox.c.kind == kind)
        return int(self._connection.execute(counted).scalar_one())

    def result(self, delivery_id: str) -> str | None:
        found = self._noun(_DELIVERY, _outbox.c.id == delivery_id, order=(_outbox.c.seq,))
        return found.result if found else None

    def oldest(self) -> Delivery | None:
        return self._noun(_DELIVERY, _outbox.c.state.in_(_OPEN), order=(_outbox.c.due_at, _outbox.c.seq))

    def parked(self) -> list[Delivery]:
        return self._nouns(_DELIVERY, _outbox.c.state == DeliveryState.PARKED, order=(_outbox.c.seq,))


def _back(moment: datetime, step: timedelta, now: datetime) -> datetime:
    """Move a moment ahead of `now` back by a step, but not before `now`."""
    return min(moment, max(now, moment - step))
