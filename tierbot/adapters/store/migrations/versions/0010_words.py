"""One word for one thing: columns, job kinds and keys take the names that code and documentation use."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_CARD = sa.table(
    "model_version", *(sa.column(name, sa.Text()) for name in ("workspace_id", "id")), sa.column("card", sa.JSON())
)
_OUTBOX = sa.table(
    "outbox", sa.column("seq", sa.Integer()), sa.column("kind", sa.Text()), sa.column("payload", sa.JSON())
)


def upgrade() -> None:
    """Rename the column, the kind of job, and the keys within documents."""
    op.alter_column("prediction", "residue", new_column_name="prediction_metadata")
    op.execute("UPDATE job SET id = 'smoke_test' WHERE id = 'journey'")
    op.execute("UPDATE job SET kind = 'smoke_test' WHERE kind = 'journey'")
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CARD)).all():
        if "understudy" in (row.card or {}):
            card = {("fallback" if name == "understudy" else name): value for name, value in row.card.items()}
            mine = (_CARD.c.workspace_id == row.workspace_id, _CARD.c.id == row.id)
            connection.execute(sa.update(_CARD).where(*mine).values(card=card))
    for row in connection.execute(sa.select(_OUTBOX).where(_OUTBOX.c.kind == "announce")).all():
        if row.payload.get("kind") == "journey_broken":
            payload = {**row.payload, "kind": "smoke_test_broken"}
            connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.seq == row.seq).values(payload=payload))
