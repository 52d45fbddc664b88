"""The workspace itself: its settings, its tags, and the trail of what admins did."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.work_rows import AuditRow, TagRow, WorkspaceRow
from tierbot.adapters.store.workspace_queries import WorkspaceQueries
from tierbot.domain.nouns import Tag
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Workspace

_tag = table(TagRow)
_audit = table(AuditRow)
_TAG_FIELDS = ("id", "name", "short_name", "character", "description", "siblings", "retired_at")


def workspace_noun(row: Row[Any]) -> Workspace:
    """Turn a row of the workspace table into the noun."""
    return Workspace(row.workspace_id, row.name, row.created_at, row.settings, row.enterprise, row.stopped_at)


class SqlWorkspaces(WorkspaceQueries):
    """ports.Workspaces."""

    def get(self) -> Workspace | None:
        row = self._connection.execute(self._select(WorkspaceRow)).first()
        return None if row is None else workspace_noun(row)

    def put(self, workspace: Workspace) -> None:
        if workspace.id != self._workspace:
            raise ValueError(f"workspace {workspace.id}: this transaction is bound to {self._workspace}")
        self._put(
            WorkspaceRow,
            {
                "name": workspace.name,
                "created_at": workspace.created_at,
                "settings": dict(workspace.settings),
                "enterprise": workspace.enterprise,
                "stopped_at": workspace.stopped_at,
            },
        )

    def tags(self) -> TagSpace:
        statement = self._select(TagRow, *(_tag.c[name] for name in _TAG_FIELDS)).order_by(_tag.c.position, _tag.c.id)
        return TagSpace(Tag(**row) for row in self._connection.execute(statement).mappings())

    def put_tags(self, tags: TagSpace) -> None:
        for position, tag in enumerate(tags):
            self._put(TagRow, {**{name: getattr(tag, name) for name in _TAG_FIELDS}, "position": position})

    def audit(self, who: str, what: str, before: Any, after: Any, now: datetime) -> None:
        self._add(AuditRow, [{"at": now, "who": who, "what": what, "before": before, "after": after}])

    def audit_trail(self, limit: int) -> list[Mapping[str, Any]]:
        columns = _audit.c
        statement = (
            self._select(AuditRow, columns.at, columns.who, columns.what, columns.before, columns.after)
            .order_by(columns.seq.desc())
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(statement).mappings()]
