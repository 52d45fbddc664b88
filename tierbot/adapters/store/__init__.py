"""The database: ports.Store over SQLite (the default) or PostgreSQL, with the same code and schema.

This package converts rows to domain nouns and returns no rows. On both databases, a workspace's transactions run one
after another (SQLite has one writer, PostgreSQL takes an advisory lock), so both give the same guarantees.
"""

from tierbot.adapters.store.errors import NoDatabaseError, StoreBusyError, StoreError
from tierbot.adapters.store.schema import upgrade
from tierbot.adapters.store.store import SqlStore, open_store

__all__ = ["NoDatabaseError", "SqlStore", "StoreBusyError", "StoreError", "open_store", "upgrade"]
