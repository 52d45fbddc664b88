"""When each scheduled job is next due, and which process may run them."""

from datetime import datetime

from sqlalchemy import RowMapping, or_

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import DueRow, LeaseRow
from tierbot.adapters.store.workspace_queries import COUNTED, WorkspaceQueries
from tierbot.use_cases.ports import Due

_due = table(DueRow)
_lease = table(LeaseRow)
_COLUMNS = [_due.c.job, _due.c.due_at, _due.c.ran_at, _due.c.request]


def _noun(row: RowMapping) -> Due:
    return Due(**row)


class SqlAgenda(WorkspaceQueries):
    """ports.Agenda."""

    def get(self, job: str) -> Due | None:
        row = self._connection.execute(self._select(DueRow, *_COLUMNS).where(_due.c.job == job)).mappings().first()
        return None if row is None else _noun(row)

    def set(self, due: Due) -> None:
        self._put(DueRow, {"job": due.job, "due_at": due.due_at, "ran_at": due.ran_at, "request": dict(due.request)})

    def remove(self, job: str) -> None:
        self._connection.execute(self._delete(DueRow).where(_due.c.job == job))

    def all(self) -> list[Due]:
        statement = self._select(DueRow, *_COLUMNS).order_by(_due.c.due_at, _due.c.job)
        return [_noun(row) for row in self._connection.execute(statement).mappings()]


class SqlLeases(WorkspaceQueries):
    """ports.Leases."""

    def take(self, name: str, holder: str, until: datetime, now: datetime) -> bool:
        insert = self._conflict_aware(LeaseRow)
        taken = self._connection.execute(
            insert.on_conflict_do_update(
                index_elements=["workspace_id", "name"],
                set_={"holder": insert.excluded.holder, "until": insert.excluded.until},
                where=or_(_lease.c.holder == holder, _lease.c.until <= now),
            ),
            {"workspace_id": self._workspace, "name": name, "holder": holder, "until": until},
            execution_options=COUNTED,
        )
        return taken.rowcount == 1

    def get(self, name: str) -> tuple[str, datetime] | None:
        statement = self._select(LeaseRow, _lease.c.holder, _lease.c.until).where(_lease.c.name == name)
        row = self._connection.execute(statement).first()
        return None if row is None else (row.holder, row.until)

    def clear(self, prefix: str, now: datetime) -> None:
        gone = (_lease.c.name.startswith(prefix, autoescape=True), _lease.c.until <= now)
        self._connection.execute(self._delete(LeaseRow).where(*gone))

    def release(self, name: str, holder: str) -> None:
        self._connection.execute(self._delete(LeaseRow).where(_lease.c.name == name, _lease.c.holder == holder))
