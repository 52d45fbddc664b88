"""Only members of the workspace vote: each reactor is looked up once, and the result is stored."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table. Everyone who reacted before keeps their votes."""
    op.create_table(
        "reactor",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("may_vote", sa.Boolean(), nullable=False),
        sa.Column("looked_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name="pk_reactor"),
    )
    op.execute(
        "INSERT INTO reactor (workspace_id, user_id, may_vote, looked_up_at) "
        "SELECT workspace_id, user_id, true, min(received_at) FROM reaction_event GROUP BY workspace_id, user_id"
    )
