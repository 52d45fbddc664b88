"""Jobs: each request has its own row, and each row has the work left, the number of failures and the claim."""

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
"""How long a requested recurring job waits for its next turn: the request's time had overwritten its own."""


def upgrade() -> None:
    """Create the table, and carry over the due jobs."""
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
    """Convert a row of the former table to one row, or to a request and its recurring job."""
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
