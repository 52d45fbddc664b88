"""Bring a database to this version's schema: create a blank one, upgrade an older one, refuse any other.

Alembic is imported only for an upgrade: opening a current database costs one query.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from tierbot.adapters.store.engine import Database
from tierbot.adapters.store.errors import StoreBusyError, StoreError, no_database

HEAD = "0017"
"""The newest migration; a test compares it with the folder."""

VERSION_TABLE = "tierbot_schema"
MIGRATIONS = Path(__file__).parent / "migrations"
_SCHEMA_LOCK = "schema"


def bring_up(database: Database, *, create: bool = True) -> None:
    """Bring an open database to the newest schema; simultaneous processes take turns."""
    with database.read() as connection:
        found = revision(connection)
    if found == HEAD:
        return
    if not create:
        refuse_blank(database)
    if database.engine.dialect.name == "sqlite":
        _use_write_ahead_log(database)
    with database.write(_SCHEMA_LOCK) as connection:
        found = usable_revision(connection, database.where)  # again, because another process may have been faster
        if found != HEAD:
            _migrate(connection)


def refuse_blank(database: Database) -> None:
    """Raise NoDatabaseError for a database without tables, and StoreError for one of another program."""
    with database.read() as connection:
        if usable_revision(connection, database.where) is None:
            raise no_database(database.where)


def revision(connection: Connection) -> str | None:
    """Return the schema's revision; None for a database without tierbot's tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return found


def write_revision_again(connection: Connection) -> None:
    """Write what is there already, to see whether the database can be written."""
    connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = version_num"))  # noqa: S608 - a constant


def usable_revision(connection: Connection, where: str) -> str | None:
    """Return the revision, None for a blank database. Raises StoreError for a foreign one or an unknown revision."""
    found = revision(connection)
    if found is not None:
        refuse_unknown(found, where)
    elif tables := inspect(connection).get_table_names():
        raise StoreError(
            f"{where}: has tables that aren't tierbot's ({', '.join(sorted(tables)[:3])}). Point DATABASE_URL at an "
            "empty database."
        )
    return found


def refuse_unknown(found: str, where: str) -> None:
    """Raise StoreError unless migrations lead from the revision that was found to HEAD."""
    known = {path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if found < min(known):
        raise StoreError(
            f"{where}: was created by a version before 0.1.0 (schema {found}), which can't be upgraded. Move it away and "
            "start the bot (`tierbot run`) to create a new one."
        )
    if found not in known:
        raise StoreError(
            f"{where}: its schema ({found}) is newer than this tierbot ({HEAD}). Upgrade tierbot, or restore a backup "
            "made before the upgrade."
        )


def _use_write_ahead_log(database: Database) -> None:
    # Readers and the writer then don't wait for each other; the setting is stored in the file. If two processes switch
    # at the same time, one gets "locked" without the usual wait and only has to retry.
    for _ in range(100):
        try:
            with database.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA journal_mode=WAL").close()
                return
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault):
                raise StoreError(f"{database.where}: {fault}. Check that its folder is writable.") from fault
    raise StoreBusyError(f"{database.where}: another process is using the database. Stop it and try again.")


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - slow, and needed only here
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
