"""Rounds and their frozen standings."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.rows import RoundRow, StandingRow, StandingTotalRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks, conflict_aware
from tierbot.domain.nouns import Round, Standing

_round = table(RoundRow)
_standing = table(StandingRow)
_total = table(StandingTotalRow)
_ROUND = Stored(RoundRow, Round)
_STANDING = Stored(StandingRow, Standing)


class SqlRounds(WorkspaceQueries):
    """ports.Rounds."""

    def current(self) -> Round | None:
        return self._noun(_ROUND, _round.c.frozen_at.is_(None), order=(_round.c.number.desc(),))

    def get(self, number: int) -> Round | None:
        return self._noun(_ROUND, _round.c.number == number)

    def all(self) -> list[Round]:
        return self._nouns(_ROUND, order=(_round.c.number,))

    def open(self, round_: Round) -> bool:
        return self._add(RoundRow, [_ROUND.values(round_)]) == 1

    def prolong(self, number: int, closes_at: datetime) -> None:
        self._change(RoundRow, _round.c.number == number, _round.c.frozen_at.is_(None), closes_at=closes_at)

    def freeze(self, round_: Round, standings: Iterable[Standing]) -> bool:
        if round_.frozen_at is None:
            raise StoreError(f"round {round_.number}: cannot be frozen without frozen_at.")
        is_open = (_round.c.number == round_.number, _round.c.frozen_at.is_(None))
        if not self._change(RoundRow, *is_open, **_ROUND.values(round_)):
            return False
        rows = [
            _STANDING.values(standing) | {"round_number": round_.number, "place": place}
            for place, standing in enumerate(standings, 1)
        ]
        for part in chunks(rows):
            self._add(StandingRow, part)
            self._add_totals(part)
        return True

    def _add_totals(self, rows: list[dict[str, Any]]) -> None:
        fields = ("judged", "agreed", "settled")
        insert = conflict_aware(self._connection, StandingTotalRow)
        self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["workspace_id", "user_id"],
                set_={name: _total.c[name] + insert.excluded[name] for name in fields},
            ),
            [
                {"workspace_id": self._workspace, "user_id": row["user_id"], **{name: row[name] for name in fields}}
                for row in rows
            ],
        )

    def standings(self, number: int) -> list[Standing]:
        return self._nouns(_STANDING, _standing.c.round_number == number, order=(_standing.c.place,))

    def all_time(self) -> list[tuple[str, int, int, int]]:
        columns = (_total.c.user_id, _total.c.judged, _total.c.agreed, _total.c.settled)
        statement = self._select(StandingTotalRow, *columns).order_by(_total.c.judged.desc(), _total.c.user_id)
        return [(row.user_id, row.judged, row.agreed, row.settled) for row in self._connection.execute(statement)]
