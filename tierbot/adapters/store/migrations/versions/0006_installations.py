"""Where the app is installed, OAuth's states, and which workspaces stand still."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables, and two columns of the workspace's."""
    op.add_column("workspace", sa.Column("enterprise", sa.Text(), nullable=True))
    op.add_column("workspace", sa.Column("stopped_at", _MOMENT, nullable=True))
    op.create_table(
        "installation",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=True),
        sa.Column("org_wide", sa.Boolean(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("bot_user", "bot_id", "sealed_token", "scopes", "installer")
        ),
        sa.Column("installed_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_installation"),
    )
    op.create_table(
        "oauth_state",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "state", name="pk_oauth_state"),
    )
