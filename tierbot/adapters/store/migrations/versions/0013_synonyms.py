"""Tags have synonyms, which the search finds."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column; the next start fills it from the tag file."""
    with op.batch_alter_table("tag") as tag:
        tag.add_column(sa.Column("synonyms", sa.Text(), nullable=False, server_default="[]"))
    with op.batch_alter_table("tag") as tag:
        tag.alter_column("synonyms", server_default=None)
