"""Marks events that a later one overrides, so that a tally reads only what is new, and adds indexes for tallying and pruning."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the mark, which the next tally of a message sets, and the indexes."""
    op.add_column("reaction_event", sa.Column("superseded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_reaction_event_workspace_id_channel_ts", "reaction_event")
    place = ["workspace_id", "channel", "ts"]
    op.create_index("ix_reaction_event_workspace_id_channel_ts_seq", "reaction_event", [*place, "seq"])
    op.create_index(
        "ix_reaction_event_current",
        "reaction_event",
        [*place, "user_id"],
        sqlite_where=sa.text("superseded = 0"),
        postgresql_where=sa.text("NOT superseded"),
    )
    op.drop_index("ix_message_tally_untallied", "message_tally")
    untallied = sa.text("tallied_cursor < ledger_cursor")
    op.create_index(
        "ix_message_tally_untallied",
        "message_tally",
        ["workspace_id", "tallied_cursor", "ledger_cursor"],
        sqlite_where=untallied,
        postgresql_where=untallied,
    )
    for name in ("prediction", "embedding"):  # what refers to an article
        op.create_index(f"ix_{name}_workspace_id_article_id", name, ["workspace_id", "article_id"])
