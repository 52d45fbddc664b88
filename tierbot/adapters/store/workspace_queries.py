"""The base of a transaction's parts: it restricts every statement to the transaction's workspace."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from tierbot.adapters.store.columns import Row, table

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert

N = TypeVar("N")
T = TypeVar("T")
Upsert: TypeAlias = "sqlite.Insert | PostgresqlInsert"
CHUNK = 500
"""Rows or keys per statement: well below SQLite's limit for parameters."""

COUNTED = {"preserve_rowcount": True}


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Split items into lists of up to `size`."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part


def of_workspace(row: type[Row]) -> ColumnElement[bool]:
    """Return the workspace condition for a statement that is built once and run with `WorkspaceQueries._run`.

    Building a statement takes longer than running it, which matters for those that run once per message.
    """
    return table(row).c.workspace_id == bindparam("of_workspace")


def conflict_aware(connection: Connection, row: type[Row]) -> Upsert:
    """Return an insert that supports ON CONFLICT, which only the dialects' own inserts do."""
    return insert_of(connection.dialect.name)(table(row))


def insert_of(dialect: str) -> Callable[[Table], Upsert]:
    """Return a dialect's own `insert`, which supports ON CONFLICT, by the dialect's name."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - imports six drivers, which SQLite doesn't need

        return postgresql.insert
    return sqlite.insert


class Stored(Generic[N]):
    """A noun's fields, and the columns that store them, under the same names except for `renamed` fields."""

    def __init__(self, row: type[Row], noun: Callable[..., N], **renamed: str) -> None:
        renamed.setdefault("user", "user_id")
        self.row = row
        self._noun = noun
        self._names = {field.name: renamed.get(field.name, field.name) for field in fields(noun)}  # type: ignore[arg-type]
        self.columns = [table(row).c[name] for name in self._names.values()]

    def of(self, *values: Any) -> N:
        """Return the noun for the values of `columns`, in order."""
        return self._noun(*values)

    def values(self, noun: N) -> dict[str, Any]:
        """Return a noun's values by column."""
        return {name: getattr(noun, field) for field, name in self._names.items()}


class WorkspaceQueries:
    """A part of a transaction (articles, posts, …), bound to one connection and one workspace."""

    def __init__(self, connection: Connection, workspace: str) -> None:
        self._connection = connection
        self._workspace = workspace

    def _mine(self, *rows: type[Row]) -> ColumnElement[bool]:
        """Return the condition that all rows belong to this workspace."""
        return and_(*(table(row).c.workspace_id == self._workspace for row in rows))

    def _run(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        """Run a statement built once, with `of_workspace`, in this workspace."""
        return self._connection.execute(statement, {"of_workspace": self._workspace, **values})

    def _select(self, row: type[Row], *columns: ColumnElement[Any]) -> Select[Any]:
        chosen = select(*columns).select_from(table(row)) if columns else select(table(row))
        return chosen.where(self._mine(row))

    def _update(self, row: type[Row]) -> Update:
        return update(table(row)).where(self._mine(row))

    def _change(self, row: type[Row], *conditions: ColumnElement[bool], **values: Any) -> int:
        """Update the rows that satisfy the conditions; return how many."""
        return self._connection.execute(self._update(row).where(*conditions).values(values)).rowcount

    def _drop(self, row: type[Row], *conditions: ColumnElement[bool]) -> int:
        """Delete the rows that satisfy the conditions; return how many."""
        return self._connection.execute(delete(table(row)).where(self._mine(row), *conditions)).rowcount

    def _drop_some(self, row: type[Row], key: ColumnElement[Any], limit: int, *conditions: ColumnElement[bool]) -> int:
        """Delete the rows of up to `limit` keys that satisfy the conditions, the lowest keys first; return how many."""
        keys = self._select(row, key).where(*conditions).distinct().order_by(key).limit(limit)
        found = list(self._connection.execute(keys).scalars())
        return sum(self._drop(row, key.in_(part), *conditions) for part in chunks(found))

    def _each(self, statement: Select[Any], column: ColumnElement[Any], keys: Iterable[Any]) -> Iterator[Any]:
        """Yield the rows of a statement whose `column` is among `keys`, asking for a chunk of keys at a time."""
        for part in chunks(keys):
            yield from self._connection.execute(statement.where(column.in_(part)))

    def _nouns(
        self, stored: Stored[N], *conditions: ColumnElement[bool], order: Sequence[Any], limit: int | None = None
    ) -> list[N]:
        """Return the nouns that satisfy the conditions."""
        statement = self._select(stored.row, *stored.columns).where(*conditions).order_by(*order)
        return [stored.of(*row) for row in self._connection.execute(statement.limit(limit))]

    def _noun(self, stored: Stored[N], *conditions: ColumnElement[bool], order: Sequence[Any] = ()) -> N | None:
        """Return the first noun that satisfies the conditions, None if there is none."""
        statement = self._select(stored.row, *stored.columns).where(*conditions).order_by(*order).limit(1)
        row = self._connection.execute(statement).first()
        return None if row is None else stored.of(*row)

    def _add(self, row: type[Row], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] | None = None) -> int:
        """Insert the rows whose `key` (by default the primary key) is new; return their number."""
        if not rows:
            return 0
        index = list(key or (column.name for column in table(row).primary_key))
        statement = conflict_aware(self._connection, row).on_conflict_do_nothing(index_elements=index)
        ours = [{**values, "workspace_id": self._workspace} for values in rows]
        # Without COUNTED, SQLAlchemy returns generated keys instead of the number of rows.
        return self._connection.execute(statement.inline(), ours, execution_options=COUNTED).rowcount

    def _put(self, row: type[Row], values: Mapping[str, Any]) -> None:
        """Insert a row, or replace the one with its primary key."""
        key = [column.name for column in table(row).primary_key]
        statement = conflict_aware(self._connection, row)
        replaced = {name: statement.excluded[name] for name in values if name not in key}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=replaced),
            {**values, "workspace_id": self._workspace},
        )
