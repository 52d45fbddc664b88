"""Copy a whole database into an empty one, usually from SQLite to PostgreSQL; both have the same tables."""

from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.engine import Database, connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.schema import VERSION_TABLE, bring_up
from tierbot.adapters.store.work_rows import LeaseRow
from tierbot.adapters.store.workspace_queries import chunks


def copy_database(source: str, target: str, now: datetime) -> int:
    """Copy every row of the database at `source` into the empty one at `target`; return their number.

    It copies all rows or none, in one transaction, except leases. Raises StoreError if a bot holds a lease on the
    source, if the target isn't empty, or if either can't be used.
    """
    with closing(connect(source, create=False)) as ours, closing(connect(target, create=True)) as theirs:
        bring_up(ours, create=False)
        bring_up(theirs)
        with ours.read() as there, theirs.write("copy") as here:
            _refuse_running(there, ours, now)
            _refuse_unknown(there, ours)
            _refuse_full(here, theirs)
            return sum(_copy(there, here, one) for one in Row.metadata.sorted_tables if one is not table(LeaseRow))


def _refuse_running(connection: Connection, database: Database, now: datetime) -> None:
    lease = table(LeaseRow).c
    holder = connection.execute(select(lease.holder).where(lease.until > now)).scalar()
    if holder is not None:
        raise StoreError(f"{database.where}: {holder} is using it. Stop every bot, wait a minute, and try again.")


def _refuse_unknown(connection: Connection, database: Database) -> None:
    unknown = sorted(set(inspect(connection).get_table_names()) - {*Row.metadata.tables, VERSION_TABLE})
    if unknown:
        raise StoreError(f"{database.where}: has the table {unknown[0]}, which isn't tierbot's. Remove it first.")


def _refuse_full(connection: Connection, database: Database) -> None:
    for one in Row.metadata.sorted_tables:
        if connection.execute(select(func.count()).select_from(one)).scalar():
            raise StoreError(f"{database.where}: is not empty ({one.name} has rows). Name an empty database.")


def _copy(there: Connection, here: Connection, one: Table) -> int:
    copied = 0
    for rows in chunks(there.execution_options(yield_per=500).execute(select(one)).mappings()):
        here.execute(insert(one), [dict(row) for row in rows])
        copied += len(rows)
    if copied and here.dialect.name == "postgresql":
        _number_on(here, one)
    return copied


def _number_on(connection: Connection, one: Table) -> None:
    """Continue a table's sequence after the copied rows; SQLite does so automatically."""
    column = one.autoincrement_column
    if column is not None:
        newest = connection.execute(select(func.max(column))).scalar()
        sequence = {"of": one.name, "column": column.name, "newest": newest}
        connection.execute(text("SELECT setval(pg_get_serial_sequence(:of, :column), :newest)"), sequence)
