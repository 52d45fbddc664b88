"""ports.Store and ports.Transaction: the parts, bound to one connection and one workspace."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, select

from tierbot.adapters.store.agenda import SqlAgenda, SqlLeases, due_jobs, hold_everywhere, let_go_everywhere
from tierbot.adapters.store.articles import SqlArticles
from tierbot.adapters.store.columns import table
from tierbot.adapters.store.dataset import SqlDataset
from tierbot.adapters.store.engine import Database, connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.feeds import SqlFeedList, SqlHeldBack
from tierbot.adapters.store.given_labels import SqlGivenLabels
from tierbot.adapters.store.installations import SqlInstallations
from tierbot.adapters.store.ledger import SqlLedger
from tierbot.adapters.store.models import SqlModels
from tierbot.adapters.store.outbox import SqlOutbox, something_due
from tierbot.adapters.store.pages import SqlTablePages
from tierbot.adapters.store.people import SqlPeople
from tierbot.adapters.store.posts import SqlPosts
from tierbot.adapters.store.rounds import SqlRounds
from tierbot.adapters.store.schema import HEAD, bring_up, revision
from tierbot.adapters.store.trainers import SqlTrainers
from tierbot.adapters.store.verdicts import SqlVerdicts
from tierbot.adapters.store.work_rows import WorkspaceRow
from tierbot.adapters.store.workspaces import SqlDoubts, SqlWorkspaces, workspace_noun
from tierbot.use_cases.ports import DueJob, Workspace

_workspace = table(WorkspaceRow)

_LEASES = "every workspace's leases"
"""The lock under which leases are taken everywhere: no workspace's own, so that none is waited for."""

_log = logging.getLogger(__name__)


class SqlTransaction:
    """ports.Transaction: made by SqlStore.begin and read, usable only inside their block."""

    def __init__(self, connection: Connection, workspace: str) -> None:
        self._connection = connection
        self._workspace = workspace

    @property
    def articles(self) -> SqlArticles:
        return SqlArticles(self._connection, self._workspace)

    @property
    def given_labels(self) -> SqlGivenLabels:
        return SqlGivenLabels(self._connection, self._workspace)

    @property
    def posts(self) -> SqlPosts:
        return SqlPosts(self._connection, self._workspace)

    @property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self._connection, self._workspace)

    @property
    def verdicts(self) -> SqlVerdicts:
        return SqlVerdicts(self._connection, self._workspace)

    @property
    def dataset(self) -> SqlDataset:
        return SqlDataset(self._connection, self._workspace)

    @property
    def table_pages(self) -> SqlTablePages:
        return SqlTablePages(self._connection, self._workspace)

    @property
    def rounds(self) -> SqlRounds:
        return SqlRounds(self._connection, self._workspace)

    @property
    def models(self) -> SqlModels:
        return SqlModels(self._connection, self._workspace)

    @property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._connection, self._workspace)

    @property
    def agenda(self) -> SqlAgenda:
        return SqlAgenda(self._connection, self._workspace)

    @property
    def trainers(self) -> SqlTrainers:
        return SqlTrainers(self._connection, self._workspace)

    @property
    def leases(self) -> SqlLeases:
        return SqlLeases(self._connection, self._workspace)

    @property
    def feeds(self) -> SqlFeedList:
        return SqlFeedList(self._connection, self._workspace)

    @property
    def held_back(self) -> SqlHeldBack:
        return SqlHeldBack(self._connection, self._workspace)

    @property
    def people(self) -> SqlPeople:
        return SqlPeople(self._connection, self._workspace)

    @property
    def installations(self) -> SqlInstallations:
        return SqlInstallations(self._connection, self._workspace)

    @property
    def doubts(self) -> SqlDoubts:
        return SqlDoubts(self._connection, self._workspace)

    @property
    def workspaces(self) -> SqlWorkspaces:
        return SqlWorkspaces(self._connection, self._workspace)


class SqlStore:
    """ports.Store over one database. Threads may share it; processes open their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def begin(self, workspace: str) -> Iterator[SqlTransaction]:
        with self._database.write(workspace) as connection:
            yield SqlTransaction(connection, workspace)

    @contextmanager
    def read(self, workspace: str) -> Iterator[SqlTransaction]:
        with self._database.read() as connection:
            yield SqlTransaction(connection, workspace)

    def workspace_ids(self) -> list[str]:
        column = table(WorkspaceRow).c.workspace_id
        with self._database.read() as connection:
            return sorted(connection.execute(select(column)).scalars())

    def workspaces(self) -> list[Workspace]:
        with self._database.read() as connection:
            return [
                workspace_noun(row)
                for row in connection.execute(select(_workspace).order_by(_workspace.c.workspace_id))
            ]

    def running_ids(self) -> list[str]:
        statement = select(_workspace.c.workspace_id).where(_workspace.c.stopped_at.is_(None))
        with self._database.read() as connection:
            return sorted(connection.execute(statement).scalars())

    def due_ids(self, now: datetime) -> list[str]:
        statement = select(_workspace.c.workspace_id).where(_workspace.c.stopped_at.is_(None), something_due(now))
        with self._database.read() as connection:
            return sorted(connection.execute(statement).scalars())

    def due_jobs(self, now: datetime) -> list[DueJob]:
        with self._database.read() as connection:
            return due_jobs(connection, now)

    def hold(self, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
        with self._database.write(_LEASES) as connection:
            return hold_everywhere(connection, name, holder, until, now)

    def let_go(self, name: str, holder: str) -> None:
        with self._database.write(_LEASES) as connection:
            let_go_everywhere(connection, name, holder)

    def trouble(self) -> str | None:
        try:
            with self._database.read() as connection:
                found = revision(connection)
        except StoreError as fault:
            _log.warning("%s", fault)
            return "the database cannot be reached"
        return None if found == HEAD else f"the database's schema is {found}, this tierbot's {HEAD}"

    def close(self) -> None:
        """Close all connections. The store can be used again: it opens new ones."""
        self._database.engine.dispose()


def open_store(url: str, *, create: bool = True) -> SqlStore:
    """Open the database at `url`, making or upgrading its schema where needed.

    `url` is SQLAlchemy's: "sqlite:///tierbot.db" or "postgresql://user:password@host/name". With `create` False
    a database that does not exist yet is an error. Raises StoreError (a TierbotError) if the database cannot be
    reached, belongs to another program, or was written by a newer tierbot.
    """
    database = connect(url, create=create)
    try:
        bring_up(database, create=create)
    except BaseException:
        database.engine.dispose()
        raise
    return SqlStore(database)
