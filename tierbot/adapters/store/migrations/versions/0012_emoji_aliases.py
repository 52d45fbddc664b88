"""A workspace's own emoji aliases, which count as the emoji they stand for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table; the first run of the job fills it."""
    op.create_table(
        "emoji_alias",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("workspace_id", "name", "stands_for")),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_emoji_alias"),
    )
