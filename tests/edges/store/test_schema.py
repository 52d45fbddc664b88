"""The schema: made, upgraded, and refused where code and database disagree."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tierbot.edges.store import SqlStore
from tierbot.edges.store.columns import Row
from tierbot.edges.store.schema import VERSION_TABLE


def test_the_migrations_make_exactly_the_tables_that_are_declared(store: SqlStore) -> None:
    with store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, Row.metadata) == []
