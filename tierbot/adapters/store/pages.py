"""The tables behind the data frames, read page by page in key order so that memory stays constant."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, tuple_

from tierbot.adapters.store.columns import Moment, Names, Number, Row, table
from tierbot.adapters.store.rows import (
    ArticleRow,
    ModelVersionRow,
    PostRow,
    PredictionRow,
    ReactionEventRow,
    StandingRow,
    VerdictRow,
    VoteRow,
)
from tierbot.adapters.store.workspace_queries import WorkspaceQueries
from tierbot.use_cases.ports import Cell, TableColumn, TablePage

_SHARES = {"tags", "probabilities", "policy_probabilities", "support"}
_HIDDEN = {"workspace_id", "superseded", "votes_cursor", "settled_cursor", "embedded_with", "newest"}
_RENAMED = {"user_id": "trainer"}
_SOURCES: dict[str, tuple[type[Row], tuple[str, ...]]] = {
    "articles": (ArticleRow, ("id",)),
    "predictions": (PredictionRow, ("id",)),
    "posts": (PostRow, ("id",)),
    "events": (ReactionEventRow, ("seq",)),
    "votes": (VoteRow, ("post_id", "user_id", "says", "tag")),
    "verdicts": (VerdictRow, ("seq",)),
    "models": (ModelVersionRow, ("number",)),
    "scores": (StandingRow, ("round_number", "user_id")),
}
"""Each table and the columns that order it."""


class SqlTablePages(WorkspaceQueries):
    """ports.TablePages."""

    def names(self) -> list[str]:
        return list(_SOURCES)

    def columns(self, name: str) -> list[TableColumn]:
        return [TableColumn(_RENAMED.get(one.name, one.name), _cell(one)) for one in _shown(name)]

    def page(self, name: str, after: Sequence[Any] | None, limit: int) -> TablePage:
        (row, key_names), columns = _SOURCES[name], _shown(name)
        key = [table(row).c[one] for one in key_names]
        statement = self._select(row, *columns, *key).order_by(*key).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*key) > tuple_(*after))
        found = [tuple(one) for one in self._connection.execute(statement)]
        width = len(columns)
        return TablePage([one[:width] for one in found], found[-1][width:] if len(found) == limit else None)


def _shown(name: str) -> list[Column[Any]]:
    return [one for one in table(_SOURCES[name][0]).c if one.name not in _HIDDEN]


def _cell(column: Column[Any]) -> Cell:
    if column.name in {"user_id", "asked_by"}:
        return Cell.TRAINER
    if isinstance(column.type, JSON):
        return Cell.SHARES if column.name in _SHARES else Cell.JSON
    kinds: Mapping[type, Cell] = {
        Moment: Cell.TIME,
        Names: Cell.NAMES,
        Boolean: Cell.FLAG,
        Float: Cell.NUMBER,
        Integer: Cell.INTEGER,
        type(Number): Cell.INTEGER,
    }
    return kinds.get(type(column.type), Cell.TEXT)
