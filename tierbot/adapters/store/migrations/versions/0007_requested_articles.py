"""Articles that somebody asked about: who, in which thread, and the tag that is to be checked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_REQUESTED = sa.text("asked_at IS NULL AND (asked_in IS NOT NULL OR check_tag IS NOT NULL)")


def upgrade() -> None:
    """Add three columns, and an index over the few that wait with one of them."""
    for name in ("asked_by", "asked_in", "check_tag"):
        op.add_column("article", sa.Column(name, sa.Text(), nullable=True))
    op.create_index(
        "ix_article_requested",
        "article",
        ["workspace_id", "received_at"],
        sqlite_where=_REQUESTED,
        postgresql_where=_REQUESTED,
    )
