"""The first schema: articles, posts, the ledger, verdicts, rounds, models and what the program itself needs."""

from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def column(name: str, *, kind: sa.types.TypeEngine[Any], nullable: bool = False) -> sa.Column[Any]:
    """Return a column, NOT NULL unless said otherwise."""
    return sa.Column(name, kind, nullable=nullable)


words = partial(column, kind=sa.Text())
moment = partial(column, kind=sa.DateTime(timezone=True))
integer = partial(column, kind=sa.Integer())
number = partial(column, kind=sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
document = partial(column, kind=sa.JSON())
real = partial(column, kind=sa.Float())
flag = partial(column, kind=sa.Boolean())
blob = partial(column, kind=sa.LargeBinary())


def make(name: str, key: list[str], *columns: sa.schema.SchemaItem, **options: Any) -> None:
    """Make a table of workspaces' rows; its key is the workspace with `key`, or `seq` alone."""
    whole = key if key == ["seq"] else ["workspace_id", *key]
    primary = sa.PrimaryKeyConstraint(*whole, name=f"pk_{name}")
    op.create_table(name, words("workspace_id"), *columns, primary, **options)


def refers(name: str, to: str, table: str, key: str = "id") -> sa.ForeignKeyConstraint:
    """Return a reference to another table of the same workspace."""
    return sa.ForeignKeyConstraint(["workspace_id", to], [f"{table}.workspace_id", f"{table}.{key}"], name=name)


def some(
    name: str, table: str, columns: list[str], *, where: str, where_sqlite: str = "", unique: bool = False
) -> None:
    """Make an index over the few rows that satisfy `where`."""
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=sa.text(where_sqlite or where),
        postgresql_where=sa.text(where),
    )


def upgrade() -> None:
    """Make all tables, those that others refer to first."""
    _people()
    _articles()
    _posts()
    _ledger()
    _rounds()
    _models()
    _work()


def _people() -> None:
    make(
        "workspace",
        [],
        words("name"),
        moment("created_at"),
        document("settings"),
    )
    make(
        "tag",
        ["id"],
        words("id"),
        integer("position"),
        words("name"),
        words("short_name"),
        words("character"),
        words("description"),
        words("siblings"),
        moment("retired_at", nullable=True),
    )
    make(
        "trainer",
        ["user_id"],
        words("user_id"),
        words("display_name"),
        flag("opted_out"),
        document("notes"),
    )
    make(
        "audit",
        ["seq"],
        number("seq"),
        moment("at"),
        words("who"),
        words("what"),
        document("before", nullable=True),
        document("after", nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_workspace_id_seq", "audit", ["workspace_id", "seq"])


def _articles() -> None:
    make(
        "article",
        ["id"],
        words("id"),
        words("title"),
        words("text"),
        words("url"),
        words("source"),
        moment("received_at"),
        moment("published_at", nullable=True),
        words("image_url", nullable=True),
        integer("copies"),
        moment("asked_at", nullable=True),
        words("embedded_with", nullable=True),
    )
    op.create_index(
        "ix_article_workspace_id_asked_at_received_at", "article", ["workspace_id", "asked_at", "received_at"]
    )
    op.create_index(
        "ix_article_workspace_id_embedded_with_received_at", "article", ["workspace_id", "embedded_with", "received_at"]
    )
    op.create_index("ix_article_workspace_id_received_at", "article", ["workspace_id", "received_at"])
    make(
        "embedding",
        ["encoder_digest", "article_id"],
        words("encoder_digest"),
        words("article_id"),
        blob("vector"),
        refers("fk_embedding_article", "article_id", "article"),
    )
    make(
        "article_copy",
        ["id"],
        words("id"),
        words("article_id"),
        words("source"),
        refers("fk_article_copy_article", "article_id", "article"),
    )
    op.create_index("ix_article_copy_workspace_id_article_id", "article_copy", ["workspace_id", "article_id"])
    make(
        "feed",
        ["url"],
        words("url"),
        flag("active"),
        words("etag", nullable=True),
        words("last_modified", nullable=True),
        moment("last_polled_at", nullable=True),
        words("error", nullable=True),
    )
    make(
        "held_back",
        ["article_id", "boundary"],
        words("article_id"),
        words("boundary"),
        moment("at"),
        document("detail"),
    )
    op.create_index("ix_held_back_workspace_id_at", "held_back", ["workspace_id", "at"])


def _posts() -> None:
    make(
        "prediction",
        ["id"],
        words("id"),
        words("article_id"),
        words("model_version"),
        words("policy"),
        words("shown_tag"),
        words("top_tag"),
        real("propensity"),
        document("probabilities"),
        document("policy_probabilities"),
        words("selection_strategy"),
        real("selection_probability"),
        moment("created_at"),
        document("residue"),
        refers("fk_prediction_article", "article_id", "article"),
    )
    make(
        "post",
        ["id"],
        words("id"),
        words("prediction_id"),
        words("article_id"),
        integer("round_number"),
        words("arm"),
        real("arm_probability"),
        words("shown_tag"),
        words("channel"),
        moment("created_at"),
        words("ts", nullable=True),
        moment("posted_at", nullable=True),
        number("votes_cursor"),
        number("settled_cursor"),
        refers("fk_post_prediction", "prediction_id", "prediction"),
        sa.UniqueConstraint("workspace_id", "channel", "ts", name="uq_post_workspace_id_channel_ts"),
    )
    some("ix_post_unsettled", "post", ["workspace_id", "votes_cursor"], where="settled_cursor < votes_cursor")
    op.create_index("ix_post_workspace_id_article_id", "post", ["workspace_id", "article_id"])
    op.create_index("ix_post_workspace_id_posted_at", "post", ["workspace_id", "posted_at"])
    op.create_index("ix_post_workspace_id_round_number", "post", ["workspace_id", "round_number"])
    make(
        "verdict",
        ["seq"],
        number("seq"),
        words("post_id"),
        words("outcome"),
        document("tags"),
        real("reward", nullable=True),
        real("weight"),
        integer("voters"),
        document("support"),
        integer("rejects"),
        integer("unsure"),
        words("aggregator"),
        number("ledger_cursor"),
        moment("settled_at"),
        words("reason", nullable=True),
        words("model_versions"),
        flag("newest"),
        refers("fk_verdict_post", "post_id", "post"),
        sa.UniqueConstraint(
            "workspace_id",
            "post_id",
            "ledger_cursor",
            "aggregator",
            "model_versions",
            name="uq_verdict_rests_on",
        ),
        sqlite_autoincrement=True,
    )
    some(
        "ix_verdict_newest",
        "verdict",
        ["workspace_id", "post_id"],
        where="newest",
        where_sqlite="newest = 1",
        unique=True,
    )
    some("ix_verdict_settled", "verdict", ["workspace_id", "settled_at"], where="newest", where_sqlite="newest = 1")


def _ledger() -> None:
    make(
        "reaction_event",
        ["seq"],
        number("seq"),
        words("event_id"),
        words("channel"),
        words("ts"),
        words("user_id"),
        words("name"),
        flag("added"),
        moment("happened_at"),
        moment("received_at"),
        words("source"),
        words("origin"),
        sa.UniqueConstraint("workspace_id", "event_id", name="uq_reaction_event_workspace_id_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reaction_event_workspace_id_channel_ts", "reaction_event", ["workspace_id", "channel", "ts"])
    make(
        "message_tally",
        ["channel", "ts"],
        words("channel"),
        words("ts"),
        number("ledger_cursor"),
        number("tallied_cursor"),
    )
    some(
        "ix_message_tally_untallied",
        "message_tally",
        ["workspace_id", "ledger_cursor"],
        where="tallied_cursor < ledger_cursor",
    )
    make(
        "vote",
        ["post_id", "user_id", "says", "tag"],
        words("post_id"),
        words("user_id"),
        words("says"),
        words("tag"),
        moment("at"),
        refers("fk_vote_post", "post_id", "post"),
    )
    op.create_index("ix_vote_workspace_id_user_id_at", "vote", ["workspace_id", "user_id", "at"])


def _rounds() -> None:
    make(
        "round",
        ["number"],
        number("number"),
        moment("opened_at"),
        moment("closes_at"),
        moment("frozen_at", nullable=True),
        words("champion", nullable=True),
        words("sharpshooter", nullable=True),
    )
    make(
        "standing",
        ["round_number", "user_id"],
        number("round_number"),
        words("user_id"),
        integer("rank"),
        integer("score"),
        integer("judged"),
        integer("agreed"),
        integer("settled"),
        refers("fk_standing_round", "round_number", "round", "number"),
    )
    make(
        "standing_total",
        ["user_id"],
        words("user_id"),
        integer("judged"),
        integer("agreed"),
        integer("settled"),
    )


def _models() -> None:
    make(
        "model_version",
        ["id"],
        words("id"),
        integer("number"),
        words("parent", nullable=True),
        words("state"),
        words("encoder_digest"),
        words("sha256"),
        moment("created_at"),
        document("card"),
        sa.UniqueConstraint("workspace_id", "number", name="uq_model_version_workspace_id_number"),
    )
    some("ix_model_version_champion", "model_version", ["workspace_id"], where="state = 'champion'", unique=True)
    make(
        "model_weights",
        ["model_id"],
        words("model_id"),
        blob("weights"),
        refers("fk_model_weights_model_version", "model_id", "model_version"),
    )


def _work() -> None:
    make(
        "outbox",
        ["seq"],
        number("seq"),
        words("id"),
        words("kind"),
        words("channel"),
        words("post_id", nullable=True),
        document("payload"),
        moment("created_at"),
        moment("due_at"),
        words("state"),
        integer("attempts"),
        moment("lease_until", nullable=True),
        words("result", nullable=True),
        words("error", nullable=True),
        moment("done_at", nullable=True),
        sa.UniqueConstraint("workspace_id", "id", name="uq_outbox_workspace_id_id"),
        sqlite_autoincrement=True,
    )
    some("ix_outbox_open", "outbox", ["workspace_id", "seq"], where="state IN ('pending', 'sending')")
    op.create_index("ix_outbox_workspace_id_post_id", "outbox", ["workspace_id", "post_id"])
    op.create_index("ix_outbox_workspace_id_state", "outbox", ["workspace_id", "state"])
    make(
        "hold",
        ["kind"],
        words("kind"),
        moment("until"),
    )
    make(
        "due",
        ["job"],
        words("job"),
        moment("due_at"),
        moment("ran_at", nullable=True),
        document("request"),
    )
    make(
        "lease",
        ["name"],
        words("name"),
        words("holder"),
        moment("until"),
    )
