"""Alembic's entry point: run migrations on the connection that schema.py opened and locked."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

from tierbot.adapters.store import rows, work_rows  # noqa: F401 - they declare the tables
from tierbot.adapters.store.columns import Choice, Moment, Names, Row, Words
from tierbot.adapters.store.schema import VERSION_TABLE

# Migrations name the database's own types, so they don't change when ours do.
_PLAIN = {Words: "sa.Text()", Names: "sa.Text()", Choice: "sa.Text()", Moment: "sa.DateTime(timezone=True)"}


def _render(kind: str, item: Any, _: object) -> str | Literal[False]:
    if kind == "type" and isinstance(item, TypeDecorator):
        return _PLAIN.get(type(item), False)
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # also on SQLite: an interrupted upgrade leaves the old schema intact
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
)
context.run_migrations()
