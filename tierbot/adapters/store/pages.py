"""The tables that others read as data frames, page by page in the order of a key: memory stays constant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
_HIDDEN = {"workspace_id", "votes_cursor", "settled_cursor", "embedded_with", "newest"}
_RENAMED = {"user_id": "trainer"}


@dataclass(frozen=True, slots=True)
class _Source:
    row: type[Row]
    key: tuple[str, ...]


_SOURCES = {
    "articles": _Source(ArticleRow, ("id",)),
    "predictions": _Source(PredictionRow, ("id",)),
    "posts": _Source(PostRow, ("id",)),
    "events": _Source(ReactionEventRow, ("seq",)),
    "votes": _Source(VoteRow, ("post_id", "user_id", "says", "tag")),
    "verdicts": _Source(VerdictRow, ("seq",)),
    "models": _Source(ModelVersionRow, ("number",)),
    "scores": _Source(StandingRow, ("round_number", "user_id")),
}


class SqlTablePages(WorkspaceQueries):
    """ports.TablePages."""

    def names(self) -> list[str]:
        return list(_SOURCES)

    def columns(self, name: str) -> list[TableColumn]:
        return [TableColumn(_RENAMED.get(one.name, one.name), _cell(one)) for one in _shown(name)]

    def page(self, name: str, after: Sequence[Any] | None, limit: int) -> TablePage:
        source, columns = _SOURCES[name], _shown(name)
        key = [table(source.row).c[one] for one in source.key]
        statement = self._select(source.row, *columns, *key).order_by(*key).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*key) > tuple_(*after))
        found = [tuple(row) for row in self._connection.execute(statement)]
        width = len(columns)
        rows = [row[:width] for row in found]
        return TablePage(rows, found[-1][width:] if len(found) == limit else None)


def _shown(name: str) -> list[Column[Any]]:
    return [one for one in table(_SOURCES[name].row).c if one.name not in _HIDDEN]


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
