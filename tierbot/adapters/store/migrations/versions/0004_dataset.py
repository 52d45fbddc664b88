"""An index for exports: the verdicts that count, in the order in which posts settled."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_verdict_dataset",
        "verdict",
        ["workspace_id", "seq"],
        sqlite_where=sa.text("newest = 1"),
        postgresql_where=sa.text("newest"),
    )
