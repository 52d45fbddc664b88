"""Jobs: a request is a row of its own, and each row says what is left, how often it failed, and who does it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from tierbot.adapters.store.migrations.columns import columns

revision = "0008"
down_revision = "0007"

_ONCE = frozenset({"join", "emoji_missing", "ask in threads"})
"""Kinds that were never recurring jobs."""

_LATER = timedelta(days=1)
"""When a recurring job is due that was asked for: its own time had been overwritten by the request's."""


def upgrade() -> None:
    """Make the table, and carry over what was due."""
    job = op.create_table(
        "job",
        *columns(
            """workspace_id text, id text, kind text, due_at moment, payload json, ran_at moment?, asked_by text?,
            asked_at moment?, attempts integer, error text?, claimed_by text?, finished_at moment?"""
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_job"),
    )
    op.create_index(
        "ix_job_open",
        "job",
        ["due_at"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    due = sa.table("due", *columns("workspace_id text, job text, due_at moment, ran_at moment?, request json"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(due)).mappings().all():
        connection.execute(job.insert(), _carried(dict(row)))
    op.drop_table("due")


def _carried(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that a row of the former table becomes: one, or a request and the recurring job beside it."""
    kind, due_at, asked = row["job"], row["due_at"], dict(row["request"] or {})
    by = asked.pop("by", None)
    common = {"workspace_id": row["workspace_id"], "kind": kind, "attempts": 0}
    request = {"id": f"{kind} of before", "due_at": due_at, "ran_at": None, "asked_by": by, "asked_at": due_at}
    recurring = {"id": kind, "due_at": due_at, "ran_at": row["ran_at"], "asked_by": None, "asked_at": None}
    if kind in _ONCE:
        return [common | request | {"payload": asked}]
    if by is None:
        return [common | recurring | {"payload": asked}]
    return [
        common | request | {"payload": asked},
        common | recurring | {"payload": {}, "due_at": due_at + _LATER},
    ]
