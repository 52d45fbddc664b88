"""Copy a whole database into an empty one, usually from SQLite to PostgreSQL; both have the same tables."""

from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, inspect, select, text

from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.engine import connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.schema import VERSION_TABLE, bring_up
from tierbot.adapters.store.work_rows import LeaseRow
from tierbot.adapters.store.workspace_queries import chunks


def copy_database(source: str, target: str, now: datetime) -> int:
    """Copy every row of the database at `source` into the empty one at `target`; return their number.

    It copies all rows or none, in one transaction, except leases. Raises StoreError if a bot holds a lease on the
    source, if the target isn't empty, or if either can't be used.
    """
    lease = table(LeaseRow)
    with closing(connect(source, create=False)) as ours, closing(connect(target, create=True)) as theirs:
        bring_up(ours, create=False)
        bring_up(theirs)
        with ours.read() as there, theirs.write("copy") as here:
            holder = there.execute(select(lease.c.holder).where(lease.c.until > now)).scalar()
            if holder is not None:
                raise StoreError(f"{ours.where}: {holder} is using it. Stop every bot, wait a minute, and try again.")
            unknown = sorted(set(inspect(there).get_table_names()) - {*Row.metadata.tables, VERSION_TABLE})
            if unknown:
                raise StoreError(f"{ours.where}: has the table {unknown[0]}, which isn't tierbot's. Remove it first.")
            for one in Row.metadata.sorted_tables:
                if here.execute(select(func.count()).select_from(one)).scalar():
                    raise StoreError(f"{theirs.where}: is not empty ({one.name} has rows). Name an empty database.")
            return sum(_copy(there, here, one) for one in Row.metadata.sorted_tables if one is not lease)


def _copy(there: Connection, here: Connection, one: Table) -> int:
    copied = 0
    for rows in chunks(there.execution_options(yield_per=500).execute(select(one)).mappings()):
        here.execute(insert(one), [dict(row) for row in rows])
        copied += len(rows)
    column = one.autoincrement_column
    if copied and column is not None and here.dialect.name == "postgresql":
        # Its sequence continues after the copied rows; SQLite does so automatically.
        newest = here.execute(select(func.max(column))).scalar()
        sequence = {"of": one.name, "column": column.name, "newest": newest}
        here.execute(text("SELECT setval(pg_get_serial_sequence(:of, :column), :newest)"), sequence)
    return copied
