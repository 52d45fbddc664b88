"""Rename columns, job kinds and keys to the words that code and documentation use."""

import sqlalchemy as sa
from alembic import op

from tierbot.adapters.store.migrations.columns import columns

revision = "0010"
down_revision = "0009"

_CARD = sa.table("model_version", *columns("workspace_id text, id text, card json"))
_OUTBOX = sa.table("outbox", *columns("seq number, kind text, payload json"))


def upgrade() -> None:
    """Rename the column, the kind of job, and the keys within documents."""
    op.alter_column("prediction", "residue", new_column_name="prediction_metadata")
    op.execute("UPDATE job SET id = 'smoke_test' WHERE id = 'journey'")
    op.execute("UPDATE job SET kind = 'smoke_test' WHERE kind = 'journey'")
    connection = op.get_bind()
    for row in connection.execute(sa.select(_CARD)).all():
        if "understudy" in (row.card or {}):
            card = {**row.card, "fallback": row.card["understudy"]}
            del card["understudy"]
            mine = (_CARD.c.workspace_id == row.workspace_id, _CARD.c.id == row.id)
            connection.execute(sa.update(_CARD).where(*mine).values(card=card))
    for row in connection.execute(sa.select(_OUTBOX).where(_OUTBOX.c.kind == "announce")).all():
        if row.payload.get("kind") == "journey_broken":
            payload = {**row.payload, "kind": "smoke_test_broken"}
            connection.execute(sa.update(_OUTBOX).where(_OUTBOX.c.seq == row.seq).values(payload=payload))
