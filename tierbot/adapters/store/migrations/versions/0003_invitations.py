"""Invitations: posts put to one trainer by direct message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table(
        "invitation",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("workspace_id", "id", "post_id", "user_id", "channel")
        ),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("ts", sa.Text(), nullable=True),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_invitation"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "post_id"], ["post.workspace_id", "post.id"], name="fk_invitation_post"
        ),
        sa.UniqueConstraint("workspace_id", "channel", "ts", name="uq_invitation_workspace_id_channel_ts"),
    )
    for columns in (("post_id",), ("user_id", "created_at"), ("sent_at",)):
        name = f"ix_invitation_workspace_id_{'_'.join(columns)}"
        op.create_index(name, "invitation", ["workspace_id", *columns])
