"""Articles know the feeds that carry them, for boundaries by feed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column; the next poll fills it for the stories that are still in a feed."""
    op.add_column("article", sa.Column("feeds", sa.Text(), nullable=False, server_default="[]"))
