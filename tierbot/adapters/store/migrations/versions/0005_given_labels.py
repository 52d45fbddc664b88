"""Labels that archives brought along."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "given_label",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "article_id", name="pk_given_label"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "article_id"], ["article.workspace_id", "article.id"], name="fk_given_label_article"
        ),
    )
