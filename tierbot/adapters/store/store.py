"""ports.Store, and transactions whose parts are bound to one connection and one workspace."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from tierbot.adapters.store.agenda import SqlAgenda, SqlLeases, due_jobs, hold_everywhere
from tierbot.adapters.store.articles import SqlArticles, SqlGivenLabels
from tierbot.adapters.store.channels import SqlChannels
from tierbot.adapters.store.columns import table
from tierbot.adapters.store.engine import Database, connect
from tierbot.adapters.store.errors import StoreError
from tierbot.adapters.store.feeds import SqlFeedList, SqlHeldBack
from tierbot.adapters.store.ledger import SqlLedger
from tierbot.adapters.store.models import SqlModels
from tierbot.adapters.store.outbox import SqlOutbox, something_due
from tierbot.adapters.store.pages import SqlTablePages
from tierbot.adapters.store.personal_data import SqlPeople
from tierbot.adapters.store.posts import SqlPosts
from tierbot.adapters.store.reactors import SqlReactors
from tierbot.adapters.store.rounds import SqlRounds
from tierbot.adapters.store.schema import HEAD, bring_up, revision, write_revision_again
from tierbot.adapters.store.verdicts import SqlVerdicts
from tierbot.adapters.store.work_rows import LeaseRow, WorkspaceRow
from tierbot.adapters.store.workspaces import WORKSPACE, SqlDoubts, SqlInstallations, SqlTrainers, SqlWorkspaces
from tierbot.use_cases.jobs.fencing import check_claim
from tierbot.use_cases.ports import DueJob, Transaction, Workspace

_workspace = table(WorkspaceRow)
_lease = table(LeaseRow)

_LEASES = "every workspace's leases"
"""The lock for taking leases in all workspaces; it blocks no workspace's own transactions."""

_WRITTEN_LATELY = 5.0  # seconds for which a successful write shows that writing works

_log = logging.getLogger(__name__)


def _transaction(connection: Connection, workspace: str) -> Transaction:
    return Transaction(
        articles=SqlArticles(connection, workspace),
        given_labels=SqlGivenLabels(connection, workspace),
        posts=SqlPosts(connection, workspace),
        ledger=SqlLedger(connection, workspace),
        reactors=SqlReactors(connection, workspace),
        verdicts=SqlVerdicts(connection, workspace),
        table_pages=SqlTablePages(connection, workspace),
        rounds=SqlRounds(connection, workspace),
        models=SqlModels(connection, workspace),
        outbox=SqlOutbox(connection, workspace),
        channels=SqlChannels(connection, workspace),
        agenda=SqlAgenda(connection, workspace),
        trainers=SqlTrainers(connection, workspace),
        leases=SqlLeases(connection, workspace),
        feeds=SqlFeedList(connection, workspace),
        held_back=SqlHeldBack(connection, workspace),
        people=SqlPeople(connection, workspace),
        installations=SqlInstallations(connection, workspace),
        doubts=SqlDoubts(connection, workspace),
        workspaces=SqlWorkspaces(connection, workspace),
    )


class SqlStore:
    """ports.Store over one database. Thread-safe; each process needs its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def begin(self, workspace: str) -> Iterator[Transaction]:
        with self._database.write(workspace) as connection:
            tx = _transaction(connection, workspace)
            check_claim(tx, workspace)
            yield tx

    @contextmanager
    def read(self, workspace: str) -> Iterator[Transaction]:
        with self._database.read() as connection:
            yield _transaction(connection, workspace)

    def _ids(self, *conditions: ColumnElement[bool]) -> list[str]:
        with self._database.read() as connection:
            return sorted(connection.execute(select(_workspace.c.workspace_id).where(*conditions)).scalars())

    def workspace_ids(self) -> list[str]:
        return self._ids()

    def workspaces(self) -> list[Workspace]:
        statement = select(*WORKSPACE.columns).order_by(_workspace.c.workspace_id)
        with self._database.read() as connection:
            return [WORKSPACE.of(*row) for row in connection.execute(statement)]

    def running_ids(self) -> list[str]:
        return self._ids(_workspace.c.stopped_at.is_(None))

    def due_ids(self, now: datetime) -> list[str]:
        return self._ids(_workspace.c.stopped_at.is_(None), something_due(now))

    def due_jobs(self, now: datetime) -> list[DueJob]:
        with self._database.read() as connection:
            return due_jobs(connection, now)

    def hold(self, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
        with self._database.write(_LEASES) as connection:
            return hold_everywhere(connection, name, holder, until, now)

    def let_go(self, name: str, holder: str, now: datetime) -> None:
        mine = (_lease.c.name == name, _lease.c.holder == holder, _lease.c.until > now)
        with self._database.write(_LEASES) as connection:
            # The row stays: it says when a process last ran.
            connection.execute(update(_lease).where(*mine).values(until=now))

    def ahead(self, name: str, beyond: datetime) -> list[str]:
        far = select(_lease.c.workspace_id).where(_lease.c.name == name, _lease.c.until > beyond)
        with self._database.read() as connection:
            return sorted(connection.execute(far).scalars())

    def trouble(self) -> str | None:
        try:
            with self._database.read() as connection:
                found = revision(connection)
            if found != HEAD:
                return f"the database's schema is {found}, this tierbot's {HEAD}"
            if time.monotonic() - self._database.wrote_at > _WRITTEN_LATELY:
                with self._database.write(_LEASES) as connection:
                    write_revision_again(connection)
        except StoreError as fault:
            _log.warning("%s", fault)
            return fault.brief
        return None

    def close(self) -> None:
        self._database.close()


def open_store(url: str, *, create: bool = True) -> SqlStore:
    """Open the database at `url`, and create or upgrade its schema if needed.

    `url` is SQLAlchemy's: "sqlite:///tierbot.db" or "postgresql://user:password@host/name". Raises StoreError if the
    database can't be reached, belongs to another program, has a newer schema, or doesn't exist and `create` is False.
    """
    database = connect(url, create=create)
    try:
        bring_up(database, create=create)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)
