"""Rounds and their frozen standings."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.rows import RoundRow, StandingRow, StandingTotalRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries, chunks
from tierbot.domain.nouns import Round, Standing

_round = table(RoundRow)
_standing = table(StandingRow)
_total = table(StandingTotalRow)
_ROUND_COLUMNS = [_round.c[field.name] for field in fields(Round)]
# Field → column, in the dataclass's order.
_STANDING = {field.name: "user_id" if field.name == "user" else field.name for field in fields(Standing)}


class SqlRounds(WorkspaceQueries):
    """ports.Rounds."""

    def current(self) -> Round | None:
        return self._first(_round.c.frozen_at.is_(None))

    def get(self, number: int) -> Round | None:
        return self._first(_round.c.number == number)

    def all(self) -> list[Round]:
        statement = self._select(RoundRow, *_ROUND_COLUMNS).order_by(_round.c.number)
        return [Round(**row) for row in self._connection.execute(statement).mappings()]

    def _first(self, condition: Any) -> Round | None:
        statement = self._select(RoundRow, *_ROUND_COLUMNS).where(condition).order_by(_round.c.number.desc()).limit(1)
        row = self._connection.execute(statement).mappings().first()
        return None if row is None else Round(**row)

    def open(self, round_: Round) -> bool:
        return self._add(RoundRow, [asdict(round_)]) == 1

    def prolong(self, number: int, closes_at: datetime) -> None:
        self._connection.execute(
            self._update(RoundRow)
            .where(_round.c.number == number, _round.c.frozen_at.is_(None))
            .values(closes_at=closes_at)
        )

    def freeze(self, round_: Round, standings: Iterable[Standing]) -> bool:
        if round_.frozen_at is None:
            raise StoreError(f"round {round_.number}: cannot be frozen without frozen_at.")
        frozen = self._connection.execute(
            self._update(RoundRow)
            .where(_round.c.number == round_.number, _round.c.frozen_at.is_(None))
            .values({name: value for name, value in asdict(round_).items() if name != "number"})
        ).rowcount
        if not frozen:
            return False
        rows = [
            {"round_number": round_.number, "place": place}
            | {column: getattr(standing, name) for name, column in _STANDING.items()}
            for place, standing in enumerate(standings, 1)
        ]
        for part in chunks(rows):
            self._add(StandingRow, part)
            self._add_totals(part)
        return True

    def _add_totals(self, rows: list[dict[str, Any]]) -> None:
        fields = ("judged", "agreed", "settled")
        insert = self._conflict_aware(StandingTotalRow)
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
        columns = [_standing.c[column] for column in _STANDING.values()]
        mine = self._select(StandingRow, *columns).where(_standing.c.round_number == number)
        return [Standing(*row) for row in self._connection.execute(mine.order_by(_standing.c.place))]

    def all_time(self) -> list[tuple[str, int, int, int]]:
        columns = (_total.c.user_id, _total.c.judged, _total.c.agreed, _total.c.settled)
        statement = self._select(StandingTotalRow, *columns).order_by(_total.c.judged.desc(), _total.c.user_id)
        return [
            (user, judged, agreed, settled) for user, judged, agreed, settled in self._connection.execute(statement)
        ]
