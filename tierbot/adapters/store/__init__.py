"""The database: ports.Store over SQLite (the default) or PostgreSQL, with one code and one schema.

Rows become domain nouns in here and no row leaves. Transactions of one workspace run one after another on
both databases (SQLite has one writer, PostgreSQL takes an advisory lock), so what holds on one holds on both.
"""

from tierbot.adapters.store.errors import NoDatabaseError, StoreBusyError, StoreError
from tierbot.adapters.store.schema import upgrade
from tierbot.adapters.store.store import SqlStore, SqlTransaction, open_store

__all__ = ["NoDatabaseError", "SqlStore", "SqlTransaction", "StoreBusyError", "StoreError", "open_store", "upgrade"]
