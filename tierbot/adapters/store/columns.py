"""Declaring tables: their base classes, and column types that behave the same on SQLite and PostgreSQL."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from tierbot.use_cases.ports import Search


class Words(TypeDecorator[str]):
    """Text. U+FFFD replaces what PostgreSQL can't store (NUL, lone surrogates), on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None or (value.isascii() and "\x00" not in value):
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")


class Choice(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind

    def bind_processor(self, dialect: Dialect) -> Callable[[StrEnum | None], str]:  # noqa: ARG002
        return str

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str], StrEnum]:  # noqa: ARG002
        return {member.value: member for member in self.kind}.__getitem__


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC to the microsecond; a naive one raises ValueError.

    On SQLite it is text that sorts by time ("2026-03-02 12:00:00.123456"), on PostgreSQL a timestamptz. The processors
    are faster than SQLAlchemy's own: a leaderboard reads 10,000 of these.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        def utc(value: datetime | None) -> datetime | None:
            if value is not None and value.tzinfo is None:
                raise ValueError(f"naive datetime {value.isoformat()}: it needs a time zone")
            return None if value is None else value.astimezone(UTC)

        def written(value: datetime | None) -> str | None:
            instant = utc(value)
            return None if instant is None else instant.replace(tzinfo=None).isoformat(" ", "microseconds")

        return written if dialect.name == "sqlite" else utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        if dialect.name == "sqlite":
            read = datetime.fromisoformat
            return lambda value: None if value is None else read(value + "+00:00")
        return lambda value: None if value is None else value.astimezone(UTC)


class Names(TypeDecorator[tuple[str, ...]]):
    """A tuple of ids as JSON text; unlike a JSON column it may be part of a unique constraint."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else json.dumps(list(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:  # noqa: ARG002
        return None if value is None else tuple(json.loads(value))


class Searching(TypeDecorator[Search]):
    """A Search as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Search | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        return json.dumps({**asdict(value), "since": value.since.isoformat(), "until": value.until.isoformat()})

    def process_result_value(self, value: str | None, dialect: Dialect) -> Search | None:  # noqa: ARG002
        if value is None:
            return None
        found = json.loads(value)
        times = {name: datetime.fromisoformat(found[name]) for name in ("since", "until")}
        return Search(**{**found, **times})


# SQLite numbers rows automatically only in a column of exactly the type INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

_Declare = Callable[..., Any]
words: _Declare = partial(Field, sa_type=Words)
moment: _Declare = partial(Field, sa_type=Moment)
searching: _Declare = partial(Field, sa_type=Searching)
names: _Declare = partial(Field, sa_type=Names)
document: _Declare = partial(Field, sa_type=JSON)
number: _Declare = partial(Field, sa_type=Number)
real: _Declare = partial(Field, sa_type=Float)
blob: _Declare = partial(Field, sa_type=LargeBinary)


def choice(kind: type[StrEnum], **options: Any) -> Any:
    """Declare a column of an enumeration."""
    return Field(sa_type=Choice(kind), **options)


# --- tables ---------------------------------------------------------------------------------------


class Row(SQLModel):
    """Base of all tables, with its own metadata: other packages' SQLModel tables aren't part of it."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy calls it on the class
        """Return the table's name: `ArticleCopyRow` is stored in `article_copy`."""
        return re.sub("(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Row")).lower()


class WorkspaceScoped(Row):
    """Base of the tables whose primary key starts with the workspace."""

    workspace_id: str = words(primary_key=True)


def table(row: type[Row]) -> Table:
    """Return the SQLAlchemy table behind a row class."""
    return cast("Table", row.__table__)  # type: ignore[attr-defined]


def some(name: str, *columns: str, where: str, where_sqlite: str | None = None, unique: bool = False) -> Index:
    """Return a partial index over the few rows that satisfy `where`."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where_sqlite or where), postgresql_where=text(where))


def refers(column: str, target: str, target_column: str = "id") -> ForeignKeyConstraint:
    """Return a foreign key to a row of the same workspace."""
    return ForeignKeyConstraint(["workspace_id", column], [f"{target}.workspace_id", f"{target}.{target_column}"])
