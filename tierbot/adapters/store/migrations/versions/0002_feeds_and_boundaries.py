"""Feeds and what boundaries held back, as they are used now.

The tables of 0001 were made before anything wrote to them, so they are made anew: nothing is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Replace both tables."""
    op.drop_table("feed")
    op.drop_index("ix_held_back_workspace_id_at", table_name="held_back")
    op.drop_table("held_back")
    op.create_table(
        "feed",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("listed_by", sa.Text(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("brought", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "url", name="pk_feed"),
    )
    op.create_table(
        "held_back",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("boundary", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "article_id", "boundary", name="pk_held_back"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "article_id"], ["article.workspace_id", "article.id"], name="fk_held_back_article"
        ),
    )
    op.create_index(
        "ix_held_back_workspace_id_boundary_rule_at", "held_back", ["workspace_id", "boundary", "rule", "at"]
    )
