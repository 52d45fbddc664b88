"""Messages are paced by channel, as Slack's limit is: a queue for one channel doesn't delay another."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table again with the channel in its key; what it holds applies to every channel."""
    moment = sa.DateTime(timezone=True)
    former = sa.table("hold", sa.column("workspace_id"), sa.column("kind"), sa.column("until", moment))
    held = op.get_bind().execute(sa.select(former)).all()
    op.drop_table("hold")
    hold = op.create_table(
        "hold",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "channel", name="pk_hold"),
    )
    op.bulk_insert(hold, [{**row._asdict(), "channel": ""} for row in held])
