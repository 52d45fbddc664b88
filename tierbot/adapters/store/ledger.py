"""The ledger of reaction events, and the votes derived from it.

`append_all` is the hot path: two statements for any number of events. Each message's row stores its latest event and the
latest one that was tallied, and an event that a later one of the same user, name and source overrides is marked as superseded.
So a tally costs as much as what is new, however much a post already has.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, func, literal, select, tuple_, update

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import InvitationRow, MessageTallyRow, PostRow, ReactionEventRow, ReactorRow, VoteRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks, insert_of, of_workspace
from tierbot.domain.nouns import Origin, ReactionEvent, Vote

_event = table(ReactionEventRow)
_message = table(MessageTallyRow)
_vote = table(VoteRow)
_post = table(PostRow)
_reactor = table(ReactorRow)
_EVENT = Stored(ReactionEventRow, ReactionEvent)
_VOTE = Stored(VoteRow, Vote)
_VOTE_COLUMNS = (_vote.c.post_id, *_VOTE.columns)
# These run once per tallied message, while reactions wait for the database, so they are built only once.
_IS_MESSAGE = (
    of_workspace(MessageTallyRow),
    _message.c.channel == bindparam("in_channel"),
    _message.c.ts == bindparam("at_ts"),
)
_CURSOR = select(_message.c.ledger_cursor).where(*_IS_MESSAGE)
_TALLIED = (
    update(_message)
    .where(*_IS_MESSAGE, _message.c.tallied_cursor < bindparam("read_to"))
    .values(tallied_cursor=bindparam("read_to"))
)
AT_MESSAGE = and_(
    _event.c.workspace_id == _message.c.workspace_id,
    _event.c.channel == _message.c.channel,
    _event.c.ts == _message.c.ts,
)
IS_REACTOR = and_(_reactor.c.workspace_id == _event.c.workspace_id, _reactor.c.user_id == _event.c.user_id)
_BY_SOMEBODY_UNKNOWN = exists(
    select(_event.c.seq)
    .where(AT_MESSAGE, _event.c.seq > _message.c.tallied_cursor, ~exists(select(_reactor.c.user_id).where(IS_REACTOR)))
    .correlate(_message)
)
_UNTALLIED = (
    select(_message.c.channel, _message.c.ts)
    .where(of_workspace(MessageTallyRow), _message.c.tallied_cursor < _message.c.ledger_cursor)
    .order_by(_message.c.tallied_cursor, _message.c.ledger_cursor)  # the longest untallied first
    .limit(bindparam("at_most"))
)
_WAITING, _READY = _UNTALLIED.where(_BY_SOMEBODY_UNKNOWN), _UNTALLIED.where(~_BY_SOMEBODY_UNKNOWN)
_EVENTS = (
    select(*_EVENT.columns)
    .where(
        of_workspace(ReactionEventRow),
        _event.c.channel == bindparam("in_channel"),
        _event.c.ts == bindparam("at_ts"),
    )
    .order_by(_event.c.seq)
)
_IS_VOTER = exists(select(_reactor.c.user_id).where(IS_REACTOR, _reactor.c.may_vote))
_BY_VOTERS = _EVENTS.where(_IS_VOTER)
_CURRENT = _EVENTS.where(~_event.c.superseded)
_CURRENT_OF = _CURRENT.where(_event.c.user_id.in_(bindparam("users", expanding=True)))
_CURRENT_OF_VOTERS = _CURRENT_OF.where(_IS_VOTER)
_UNTALLIED_COUNT = (
    select(func.count())
    .select_from(_message)
    .where(of_workspace(MessageTallyRow), _message.c.tallied_cursor < _message.c.ledger_cursor)
)
_UNREAD = _EVENTS.where(_event.c.seq > select(_message.c.tallied_cursor).where(*_IS_MESSAGE).scalar_subquery())


@lru_cache
def _append_statements(dialect: str) -> tuple[Any, Any]:
    insert = insert_of(dialect)
    event = insert(_event).on_conflict_do_nothing(index_elements=["workspace_id", "event_id"])
    message = insert(_message)
    known = message.on_conflict_do_update(
        index_elements=["workspace_id", "channel", "ts"], set_={"ledger_cursor": message.excluded.ledger_cursor}
    )
    return event.returning(_event.c.event_id, _event.c.channel, _event.c.ts, _event.c.seq), known


class SqlLedger(WorkspaceQueries):
    """ports.Ledger."""

    def append(self, event: ReactionEvent) -> bool:
        return self.append_all([event])[0]

    def append_all(self, events: Sequence[ReactionEvent]) -> list[bool]:
        if not events:
            return []
        mine = {"workspace_id": self._workspace}
        insert, advance = _append_statements(self._connection.dialect.name)
        fresh = {**mine, "superseded": False}
        rows = self._connection.execute(insert, [_EVENT.values(event) | fresh for event in events]).all()
        ends: dict[tuple[str, str], int] = {}
        for row in rows:
            ends[row.channel, row.ts] = max(row.seq, ends.get((row.channel, row.ts), 0))
        if ends:
            messages = [
                {**mine, "channel": channel, "ts": ts, "ledger_cursor": seq, "tallied_cursor": 0}
                for (channel, ts), seq in sorted(ends.items())
            ]
            self._connection.execute(advance, messages)
        new = {row.event_id for row in rows}
        first = {event.event_id: place for place, event in reversed(list(enumerate(events)))}
        return [event.event_id in new and first[event.event_id] == place for place, event in enumerate(events)]

    def events(self, channel: str, ts: str) -> list[ReactionEvent]:
        return [_EVENT.of(*row) for row in self._run(_EVENTS, in_channel=channel, at_ts=ts)]

    def events_by_voters(self, channel: str, ts: str) -> list[ReactionEvent]:
        return [_EVENT.of(*row) for row in self._run(_BY_VOTERS, in_channel=channel, at_ts=ts)]

    def current(self, channel: str, ts: str) -> list[ReactionEvent]:
        return [_EVENT.of(*row) for row in self._run(_CURRENT, in_channel=channel, at_ts=ts)]

    def current_of(self, users: Collection[str], channel: str, ts: str, *, voters: bool) -> list[ReactionEvent]:
        statement = _CURRENT_OF_VOTERS if voters else _CURRENT_OF
        parts = chunks(sorted(users))
        rows = (self._run(statement, in_channel=channel, at_ts=ts, users=part) for part in parts)
        return [_EVENT.of(*row) for found in rows for row in found]

    def supersede(self, event_ids: Iterable[str]) -> None:
        for part in chunks(event_ids):
            self._change(ReactionEventRow, _event.c.event_id.in_(part), superseded=True)

    def unread(self, channel: str, ts: str) -> list[ReactionEvent]:
        return [_EVENT.of(*row) for row in self._run(_UNREAD, in_channel=channel, at_ts=ts)]

    def prune(self, before: datetime, limit: int) -> int:
        here = [
            and_(
                place.c.workspace_id == _message.c.workspace_id,
                place.c.channel == _message.c.channel,
                place.c.ts == _message.c.ts,
            )
            for place in (_post, table(InvitationRow))
        ]
        ours = [exists(select(literal(1)).where(one)).correlate(_message) for one in here]
        recent = exists(select(_event.c.seq).where(AT_MESSAGE, _event.c.received_at >= before)).correlate(_message)
        place = (_message.c.channel, _message.c.ts)
        found = self._select(MessageTallyRow, *place).where(~recent, *(~one for one in ours)).limit(limit)
        gone = 0
        for part in chunks(tuple(row) for row in self._connection.execute(found).all()):
            gone += self._drop(ReactionEventRow, tuple_(_event.c.channel, _event.c.ts).in_(part))
            self._drop(MessageTallyRow, tuple_(*place).in_(part))
        return gone

    def newest(self, origin: Origin) -> ReactionEvent | None:
        return self._noun(_EVENT, _event.c.origin == origin, order=(_event.c.seq.desc(),))

    def cursor(self, channel: str, ts: str) -> int:
        return self._run(_CURSOR, in_channel=channel, at_ts=ts).scalar() or 0

    def untallied(self, limit: int, *, waiting: bool | None = None) -> list[tuple[str, str]]:
        statement = _UNTALLIED if waiting is None else _WAITING if waiting else _READY
        return [(row.channel, row.ts) for row in self._run(statement, at_most=limit)]

    def count_untallied(self) -> int:
        return int(self._run(_UNTALLIED_COUNT).scalar_one())

    def replace_votes(
        self, post_id: str, votes: Iterable[Vote], cursor: int, users: Collection[str] | None = None
    ) -> None:
        # Ignore votes derived from an older part of the ledger than the current ones, or after some were deleted.
        current = (_post.c.id == post_id, _post.c.votes_cursor <= cursor, _post.c.votes_expired_at.is_(None))
        if not self._change(PostRow, *current, votes_cursor=cursor):
            return
        if users is None:
            self._drop(VoteRow, _vote.c.post_id == post_id)
        for some_of_them in chunks(sorted(users or ())):
            self._drop(VoteRow, _vote.c.post_id == post_id, _vote.c.user_id.in_(some_of_them))
        for part in chunks(_VOTE.values(vote) | {"post_id": post_id, "tag": vote.tag or ""} for vote in votes):
            self._add(VoteRow, part)

    def untally(self, names: Iterable[str]) -> None:
        for part in chunks(names):
            with_name = select(_event.c.seq).where(AT_MESSAGE, _event.c.name.in_(part)).correlate(_message)
            self._change(MessageTallyRow, exists(with_name), tallied_cursor=0)

    def tallied(self, channel: str, ts: str, cursor: int) -> None:
        self._run(_TALLIED, in_channel=channel, at_ts=ts, read_to=cursor)

    def cursors(self, post_ids: Iterable[str]) -> dict[str, int]:
        rows = self._each(self._select(PostRow, _post.c.id, _post.c.votes_cursor), _post.c.id, post_ids)
        return dict(tuple(row) for row in rows)

    def votes(self, post_ids: Iterable[str]) -> dict[str, list[Vote]]:
        ids = list(post_ids)
        return {post_id: [] for post_id in ids} | _by_post(self._each(self._votes(), _vote.c.post_id, ids))

    def votes_in_round(self, number: int) -> dict[str, list[Vote]]:
        # A subquery, not a join: SQLite would start the join by scanning all votes.
        posts = self._select(PostRow, _post.c.id).where(_post.c.round_number == number)
        return _by_post(self._connection.execute(self._votes().where(_vote.c.post_id.in_(posts))))

    def _votes(self) -> Select[Any]:
        return self._select(VoteRow, *_VOTE_COLUMNS).order_by(_vote.c.at, _vote.c.user_id, _vote.c.tag)

    def votes_by(self, user: str, since: datetime) -> list[tuple[str, Vote]]:
        theirs = self._select(VoteRow, *_VOTE_COLUMNS).where(_vote.c.user_id == user, _vote.c.at >= since)
        newest_first = theirs.order_by(_vote.c.at.desc(), _vote.c.post_id)
        return [(row.post_id, _vote_of(row)) for row in self._connection.execute(newest_first)]


def _by_post(rows: Iterable[Sequence[Any]]) -> dict[str, list[Vote]]:
    found: dict[str, list[Vote]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_vote_of(row))
    return found


def _vote_of(row: Sequence[Any]) -> Vote:
    _, user, says, at, tag = row
    return Vote(user, says, at, tag or None)
