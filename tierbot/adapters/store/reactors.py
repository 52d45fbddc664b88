"""Who reacted, and whether they may vote."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, exists, or_, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.ledger import AT_MESSAGE, IS_REACTOR
from tierbot.adapters.store.rows import MessageTallyRow, ReactionEventRow, ReactorRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks

_reactor = table(ReactorRow)
_event = table(ReactionEventRow)
_message = table(MessageTallyRow)


class SqlReactors(WorkspaceQueries):
    """ports.Reactors."""

    def unknown(self, limit: int, before: datetime) -> list[str]:
        untallied = and_(AT_MESSAGE, _event.c.seq > _message.c.tallied_cursor)
        found = (
            select(_event.c.user_id)
            .distinct()
            .select_from(_message.join(_event, untallied).outerjoin(_reactor, IS_REACTOR))
            .where(self._mine(MessageTallyRow), _message.c.tallied_cursor < _message.c.ledger_cursor)
            .where(or_(_reactor.c.user_id.is_(None), and_(~_reactor.c.may_vote, _reactor.c.looked_up_at < before)))
            .order_by(_event.c.user_id)
            .limit(limit)
        )
        return list(self._connection.execute(found).scalars())

    def put(self, may_vote: Mapping[str, bool], now: datetime) -> None:
        now_voters = sorted(self.without_vote().intersection(user for user, votes in may_vote.items() if votes))
        for user, votes in may_vote.items():
            self._put(ReactorRow, {"user_id": user, "may_vote": votes, "looked_up_at": now})
        for part in chunks(now_voters):  # their earlier reactions count now
            reacted = select(_event.c.seq).where(AT_MESSAGE, _event.c.user_id.in_(part)).correlate(_message)
            self._change(MessageTallyRow, exists(reacted), tallied_cursor=0)

    def without_vote(self) -> set[str]:
        rows = self._connection.execute(self._select(ReactorRow, _reactor.c.user_id).where(~_reactor.c.may_vote))
        return set(rows.scalars())
