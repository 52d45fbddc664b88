"""Jobs, and the leases that decide which process runs them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, literal, or_, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import JobRow, LeaseRow, WorkspaceRow
from tierbot.adapters.store.workspace_queries import COUNTED, Stored, Upsert, WorkspaceQueries, conflict_aware
from tierbot.use_cases.ports import DueJob, Job

_job = table(JobRow)
_lease = table(LeaseRow)
_workspace = table(WorkspaceRow)
_JOB = Stored(JobRow, Job)


def due_jobs(connection: Connection, now: datetime) -> list[DueJob]:
    """Return the due jobs of all workspaces, without payloads: a damaged payload must only stop its own job."""
    statement = (
        select(_job.c.workspace_id, _job.c.id, _job.c.kind, _workspace.c.stopped_at.is_not(None))
        .join(_workspace, _workspace.c.workspace_id == _job.c.workspace_id)
        .where(_job.c.finished_at.is_(None), _job.c.due_at <= now)
        .order_by(_job.c.due_at, _job.c.workspace_id, _job.c.id)
    )
    return [DueJob(*row) for row in connection.execute(statement)]


def hold_everywhere(connection: Connection, name: str, holder: str, until: datetime, now: datetime) -> list[str]:
    """Take or renew a lease in every workspace; return the workspaces where `holder` has it."""
    insert = conflict_aware(connection, LeaseRow)
    values = [literal(value, column.type) for value, column in ((name, _lease.c.name), (holder, _lease.c.holder))]
    every = select(_workspace.c.workspace_id, *values, literal(until, _lease.c.until.type)).where(literal(value=True))
    insert = insert.from_select(["workspace_id", "name", "holder", "until"], every)
    connection.execute(_unless_held(insert, holder, now))
    held = select(_lease.c.workspace_id).where(_lease.c.name == name, _lease.c.holder == holder)
    return sorted(connection.execute(held).scalars())


def _unless_held(insert: Upsert, holder: str, now: datetime) -> Upsert:
    """Make a lease's insert replace an existing lease if it has expired or belongs to the holder."""
    return insert.on_conflict_do_update(
        index_elements=["workspace_id", "name"],
        set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
        where=or_(_lease.c.holder == holder, _lease.c.until <= now),
    )


class SqlAgenda(WorkspaceQueries):
    """ports.Agenda."""

    def get(self, job_id: str) -> Job | None:
        return self._noun(_JOB, _job.c.id == job_id)

    def all(self) -> list[Job]:
        return self._nouns(_JOB, _job.c.finished_at.is_(None), order=(_job.c.due_at, _job.c.id))

    def plan(self, kind: str, due_at: datetime) -> None:
        # Only these columns: a running job keeps its claim, and the time of its last run stays.
        self._put(JobRow, {"id": kind, "kind": kind, "due_at": due_at, "payload": {}, "attempts": 0, "error": None})

    def ask(self, request: Job) -> bool:
        return self._add(JobRow, [_JOB.values(request)]) == 1

    def claim(self, job_id: str, run: str, now: datetime) -> Job | None:
        is_due = (_job.c.id == job_id, _job.c.finished_at.is_(None), _job.c.due_at <= now)
        return self.get(job_id) if self._change(JobRow, *is_due, claimed_by=run) else None

    def holds(self, job_id: str, run: str) -> bool:
        statement = self._select(JobRow, _job.c.claimed_by).where(_job.c.id == job_id)
        return self._connection.execute(statement).scalar() == run

    def put(self, job: Job) -> None:
        self._put(JobRow, _JOB.values(job))

    def left(self, job_id: str, payload: Mapping[str, Any]) -> None:
        self._change(JobRow, _job.c.id == job_id, payload=payload)

    def remove(self, job_id: str) -> None:
        self._drop(JobRow, _job.c.id == job_id)

    def clear(self, before: datetime) -> None:
        self._drop(JobRow, _job.c.finished_at < before)


class SqlLeases(WorkspaceQueries):
    """ports.Leases."""

    def take(self, name: str, holder: str, until: datetime, now: datetime) -> bool:
        values = {"workspace_id": self._workspace, "name": name, "holder": holder, "until": until}
        statement = _unless_held(conflict_aware(self._connection, LeaseRow), holder, now)
        return self._connection.execute(statement, values, execution_options=COUNTED).rowcount == 1

    def get(self, name: str) -> tuple[str, datetime] | None:
        statement = self._select(LeaseRow, _lease.c.holder, _lease.c.until).where(_lease.c.name == name)
        row = self._connection.execute(statement).first()
        return None if row is None else (row.holder, row.until)

    def clear(self, prefix: str, now: datetime) -> None:
        self._drop(LeaseRow, _lease.c.name.startswith(prefix, autoescape=True), _lease.c.until <= now)

    def end(self, name: str, now: datetime) -> None:
        self._change(LeaseRow, _lease.c.name == name, until=now)
