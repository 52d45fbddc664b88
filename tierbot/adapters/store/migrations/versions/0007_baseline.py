"""The oldest schema that can be upgraded: articles, posts, the ledger, verdicts, rounds, models and the program's own."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = None


def _columns(kind: sa.types.TypeEngine[Any], *names: str, nullable: bool = False) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind, nullable=nullable) for name in names)


words = partial(_columns, sa.Text())
moments = partial(_columns, sa.DateTime(timezone=True))
integers = partial(_columns, sa.Integer())
numbers = partial(_columns, sa.BigInteger().with_variant(sa.Integer(), "sqlite"))
documents = partial(_columns, sa.JSON())
reals = partial(_columns, sa.Float())
flags = partial(_columns, sa.Boolean())
blobs = partial(_columns, sa.LargeBinary())


def make(name: str, key: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table of workspaces' rows; its primary key is the workspace with the columns in `key`, or `seq` alone."""
    numbered = key == "seq"
    whole = ["seq"] if numbered else ["workspace_id", *key.split()]
    primary = sa.PrimaryKeyConstraint(*whole, name=f"pk_{name}")
    op.create_table(name, *words("workspace_id"), *columns, primary, sqlite_autoincrement=numbered)


def refers(table: str, column: str, target: str, key: str = "id") -> sa.ForeignKeyConstraint:
    """Return a reference to another table of the same workspace."""
    there = [f"{target}.workspace_id", f"{target}.{key}"]
    return sa.ForeignKeyConstraint(["workspace_id", column], there, name=f"fk_{table}_{target}")


def unique(table: str, *columns: str, name: str | None = None) -> sa.UniqueConstraint:
    """Return the constraint that a workspace has each combination of these columns once."""
    whole = ("workspace_id", *columns)
    return sa.UniqueConstraint(*whole, name=name or f"uq_{table}_{'_'.join(whole)}")


def index(table: str, *columns: str) -> None:
    """Make an index that starts with the workspace."""
    whole = ["workspace_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(whole)}", table, whole)


def some(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    """Make an index over the few rows that satisfy `where`; it starts with the workspace."""
    on_sqlite, on_postgresql = sa.text("newest = 1" if where == "newest" else where), sa.text(where)
    whole = ["workspace_id", *columns]
    op.create_index(name, table, whole, unique=unique, sqlite_where=on_sqlite, postgresql_where=on_postgresql)


def upgrade() -> None:
    """Make all tables, those that others refer to first."""
    _people()
    _articles()
    _posts()
    _ledger()
    _rounds_and_models()
    _work()


def _people() -> None:
    make(
        "workspace",
        "",
        *words("name"),
        *moments("created_at"),
        *documents("settings"),
        *words("enterprise", nullable=True),
        *moments("stopped_at", nullable=True),
    )
    make(
        "installation",
        "",
        *words("name"),
        *words("enterprise", nullable=True),
        *flags("org_wide"),
        *words("bot_user", "bot_id", "sealed_token", "scopes", "installer"),
        *moments("installed_at"),
        *moments("ended_at", nullable=True),
        *words("ended_by", nullable=True),
    )
    make("oauth_state", "state", *words("state"), *moments("until"))
    make(
        "tag",
        "id",
        *words("id"),
        *integers("position"),
        *words("name", "short_name", "character", "description", "siblings"),
        *moments("retired_at", nullable=True),
    )
    make("trainer", "user_id", *words("user_id", "display_name"), *flags("opted_out"), *documents("notes"))
    make(
        "audit",
        "seq",
        *numbers("seq"),
        *moments("at"),
        *words("who", "what"),
        *documents("before", "after", nullable=True),
    )
    index("audit", "seq")


def _articles() -> None:
    make(
        "article",
        "id",
        *words("id", "title", "text", "url", "source"),
        *moments("received_at"),
        *moments("published_at", nullable=True),
        *words("image_url", nullable=True),
        *integers("copies"),
        *moments("asked_at", nullable=True),
        *words("embedded_with", "asked_by", "asked_in", "check_tag", nullable=True),
    )
    index("article", "asked_at", "received_at")
    index("article", "embedded_with", "received_at")
    index("article", "received_at")
    requested = "asked_at IS NULL AND (asked_in IS NOT NULL OR check_tag IS NOT NULL)"
    some("ix_article_requested", "article", "received_at", where=requested)
    make(
        "embedding",
        "encoder_digest article_id",
        *words("encoder_digest", "article_id"),
        *blobs("vector"),
        refers("embedding", "article_id", "article"),
    )
    make("article_copy", "id", *words("id", "article_id", "source"), refers("article_copy", "article_id", "article"))
    index("article_copy", "article_id")
    make(
        "given_label",
        "article_id",
        *words("article_id"),
        *documents("tags"),
        *words("source"),
        *moments("given_at"),
        refers("given_label", "article_id", "article"),
    )
    make(
        "feed",
        "url",
        *words("url", "name", "listed_by"),
        *documents("memory"),
        *moments("polled_at", nullable=True),
        *words("problem", nullable=True),
        *words("notes"),
        *integers("brought"),
    )
    make(
        "held_back",
        "article_id boundary",
        *words("article_id", "boundary", "rule", "grounds"),
        *moments("at"),
        *documents("detail"),
        refers("held_back", "article_id", "article"),
    )
    index("held_back", "boundary", "rule", "at")


def _posts() -> None:
    make(
        "prediction",
        "id",
        *words("id", "article_id", "model_version", "policy", "shown_tag", "top_tag"),
        *reals("propensity"),
        *documents("probabilities", "policy_probabilities"),
        *words("selection_strategy"),
        *reals("selection_probability"),
        *moments("created_at"),
        *documents("residue"),
        refers("prediction", "article_id", "article"),
    )
    make(
        "post",
        "id",
        *words("id", "prediction_id", "article_id"),
        *integers("round_number"),
        *words("arm"),
        *reals("arm_probability"),
        *words("shown_tag", "channel"),
        *moments("created_at"),
        *words("ts", nullable=True),
        *moments("posted_at", nullable=True),
        *numbers("votes_cursor", "settled_cursor"),
        refers("post", "prediction_id", "prediction"),
        unique("post", "channel", "ts"),
    )
    some("ix_post_unsettled", "post", "votes_cursor", where="settled_cursor < votes_cursor")
    for column in ("article_id", "posted_at", "round_number"):
        index("post", column)
    make(
        "invitation",
        "id",
        *words("id", "post_id", "user_id", "channel"),
        *moments("created_at"),
        *words("ts", nullable=True),
        *moments("sent_at", nullable=True),
        refers("invitation", "post_id", "post"),
        unique("invitation", "channel", "ts"),
    )
    index("invitation", "post_id")
    index("invitation", "user_id", "created_at")
    index("invitation", "sent_at")
    make(
        "verdict",
        "seq",
        *numbers("seq"),
        *words("post_id", "outcome"),
        *documents("tags"),
        *reals("reward", nullable=True),
        *reals("weight"),
        *integers("voters"),
        *documents("support"),
        *integers("rejects", "unsure"),
        *words("aggregator"),
        *numbers("ledger_cursor"),
        *moments("settled_at"),
        *words("reason", nullable=True),
        *words("model_versions"),
        *flags("newest"),
        refers("verdict", "post_id", "post"),
        unique("verdict", "post_id", "ledger_cursor", "aggregator", "model_versions", name="uq_verdict_rests_on"),
    )
    some("ix_verdict_newest", "verdict", "post_id", where="newest", unique=True)
    some("ix_verdict_settled", "verdict", "settled_at", where="newest")
    some("ix_verdict_dataset", "verdict", "seq", where="newest")


def _ledger() -> None:
    make(
        "reaction_event",
        "seq",
        *numbers("seq"),
        *words("event_id", "channel", "ts", "user_id", "name"),
        *flags("added"),
        *moments("happened_at", "received_at"),
        *words("source", "origin"),
        unique("reaction_event", "event_id"),
    )
    index("reaction_event", "channel", "ts")
    make("message_tally", "channel ts", *words("channel", "ts"), *numbers("ledger_cursor", "tallied_cursor"))
    untallied = "tallied_cursor < ledger_cursor"
    some("ix_message_tally_untallied", "message_tally", "ledger_cursor", where=untallied)
    make(
        "vote",
        "post_id user_id says tag",
        *words("post_id", "user_id", "says", "tag"),
        *moments("at"),
        refers("vote", "post_id", "post"),
    )
    index("vote", "user_id", "at")


def _rounds_and_models() -> None:
    make(
        "round",
        "number",
        *numbers("number"),
        *moments("opened_at", "closes_at"),
        *moments("frozen_at", nullable=True),
        *words("champion", "sharpshooter", nullable=True),
    )
    make(
        "standing",
        "round_number user_id",
        *numbers("round_number"),
        *words("user_id"),
        *integers("rank", "score", "judged", "agreed", "settled"),
        refers("standing", "round_number", "round", "number"),
    )
    make("standing_total", "user_id", *words("user_id"), *integers("judged", "agreed", "settled"))
    make(
        "model_version",
        "id",
        *words("id"),
        *integers("number"),
        *words("parent", nullable=True),
        *words("state", "encoder_digest", "sha256"),
        *moments("created_at"),
        *documents("card"),
        unique("model_version", "number"),
    )
    some("ix_model_version_champion", "model_version", where="state = 'champion'", unique=True)
    make(
        "model_weights",
        "model_id",
        *words("model_id"),
        *blobs("weights"),
        refers("model_weights", "model_id", "model_version"),
    )


def _work() -> None:
    make(
        "outbox",
        "seq",
        *numbers("seq"),
        *words("id", "kind", "channel"),
        *words("post_id", nullable=True),
        *documents("payload"),
        *moments("created_at", "due_at"),
        *words("state"),
        *integers("attempts"),
        *moments("lease_until", nullable=True),
        *words("result", "error", nullable=True),
        *moments("done_at", nullable=True),
        unique("outbox", "id"),
    )
    some("ix_outbox_open", "outbox", "seq", where="state IN ('pending', 'sending')")
    index("outbox", "post_id")
    index("outbox", "state")
    make("hold", "kind", *words("kind"), *moments("until"))
    make("due", "job", *words("job"), *moments("due_at"), *moments("ran_at", nullable=True), *documents("request"))
    make("lease", "name", *words("name", "holder"), *moments("until"))
