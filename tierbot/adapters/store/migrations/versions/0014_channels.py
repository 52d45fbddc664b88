"""Closed channels; when a message may have been sent, so that it is looked for there."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from tierbot.adapters.store.migrations.columns import columns

revision = "0014"
down_revision = "0013"

_OUTBOX = sa.table(
    "outbox", *columns("seq number, kind text, state text, attempts integer, created_at moment, search text")
)


def upgrade() -> None:
    """Create the table and the columns. What was tried before may have been sent at any time until now."""
    op.create_table(
        "closed_channel",
        *columns("workspace_id text, channel text, why text, since moment, until moment"),
        sa.PrimaryKeyConstraint("workspace_id", "channel", name="pk_closed_channel"),
    )
    op.add_column("outbox", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("outbox", *columns("search text?"))
    connection, now = op.get_bind(), datetime.now(UTC).isoformat()
    tried = (_OUTBOX.c.attempts > 0, _OUTBOX.c.state.in_(("pending", "sending")))
    messages = _OUTBOX.c.kind.in_(("post", "announce", "picture", "invite"))
    for row in connection.execute(sa.select(_OUTBOX).where(*tried, messages)).all():
        # SQLite's times are in UTC without saying so.
        since = row.created_at if row.created_at.tzinfo else row.created_at.replace(tzinfo=UTC)
        search = json.dumps({"since": since.isoformat(), "until": now})
        connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.seq == row.seq).values(search=search))
