"""The oldest schema that can be upgraded: articles, posts, the ledger, verdicts, rounds, models and the program's own."""

import sqlalchemy as sa
from alembic import op

from tierbot.adapters.store.migrations.columns import columns

revision = "0007"
down_revision = None


def make(name: str, key: str, plain: str, *, refers: str = "", unique: str = "", unique_name: str = "") -> None:
    """Create a table of workspaces' rows; its primary key is the workspace and `key`, or only `seq`.

    refers: a column, and the table of the same workspace that it refers to (by `id` or the column named third). unique:
    columns whose combined values are unique in a workspace.
    """
    numbered = key == "seq"
    primary = ["seq"] if numbered else ["workspace_id", *key.split()]
    constraints: list[sa.Constraint] = [sa.PrimaryKeyConstraint(*primary, name=f"pk_{name}")]
    if refers:
        column, target, *by = refers.split()
        there = [f"{target}.workspace_id", f"{target}.{by[0] if by else 'id'}"]
        constraints.append(sa.ForeignKeyConstraint(["workspace_id", column], there, name=f"fk_{name}_{target}"))
    if unique:
        once = ["workspace_id", *unique.split()]
        constraints.append(sa.UniqueConstraint(*once, name=unique_name or f"uq_{name}_{'_'.join(once)}"))
    op.create_table(name, *columns(f"workspace_id text, {plain}"), *constraints, sqlite_autoincrement=numbered)


def index(table: str, names: str) -> None:
    """Create an index over the workspace and these columns."""
    whole = ["workspace_id", *names.split()]
    op.create_index(f"ix_{table}_{'_'.join(whole)}", table, whole)


def some(name: str, table: str, names: str, where: str, *, unique: bool = False) -> None:
    """Create an index over the workspace and these columns for the few rows that satisfy `where`."""
    on_sqlite, on_postgresql = sa.text("newest = 1" if where == "newest" else where), sa.text(where)
    whole = ["workspace_id", *names.split()]
    op.create_index(name, table, whole, unique=unique, sqlite_where=on_sqlite, postgresql_where=on_postgresql)


def upgrade() -> None:
    """Create all tables, starting with those that others refer to."""
    _people()
    _articles()
    _posts()
    _ledger()
    _rounds_and_models()
    _work()


def _people() -> None:
    make("workspace", "", "name text, created_at moment, settings json, enterprise text?, stopped_at moment?")
    make(
        "installation",
        "",
        """name text, enterprise text?, org_wide flag, bot_user text, bot_id text, sealed_token text, scopes text,
        installer text, installed_at moment, ended_at moment?, ended_by text?""",
    )
    make("oauth_state", "state", "state text, until moment")
    make(
        "tag",
        "id",
        """id text, position integer, name text, short_name text, character text, description text, siblings text,
        retired_at moment?""",
    )
    make("trainer", "user_id", "user_id text, display_name text, opted_out flag, notes json")
    make("audit", "seq", "seq number, at moment, who text, what text, before json?, after json?")
    index("audit", "seq")


def _articles() -> None:
    make(
        "article",
        "id",
        """id text, title text, text text, url text, source text, received_at moment, published_at moment?,
        image_url text?, copies integer, asked_at moment?, embedded_with text?, asked_by text?, asked_in text?,
        check_tag text?""",
    )
    index("article", "asked_at received_at")
    index("article", "embedded_with received_at")
    index("article", "received_at")
    some(
        "ix_article_requested",
        "article",
        "received_at",
        where="asked_at IS NULL AND (asked_in IS NOT NULL OR check_tag IS NOT NULL)",
    )
    make(
        "embedding",
        "encoder_digest article_id",
        "encoder_digest text, article_id text, vector blob",
        refers="article_id article",
    )
    make("article_copy", "id", "id text, article_id text, source text", refers="article_id article")
    index("article_copy", "article_id")
    make(
        "given_label",
        "article_id",
        "article_id text, tags json, source text, given_at moment",
        refers="article_id article",
    )
    make(
        "feed",
        "url",
        """url text, name text, listed_by text, memory json, polled_at moment?, problem text?, notes text,
        brought integer""",
    )
    make(
        "held_back",
        "article_id boundary",
        "article_id text, boundary text, rule text, grounds text, at moment, detail json",
        refers="article_id article",
    )
    index("held_back", "boundary rule at")


def _posts() -> None:
    make(
        "prediction",
        "id",
        """id text, article_id text, model_version text, policy text, shown_tag text, top_tag text,
        propensity real, probabilities json, policy_probabilities json, selection_strategy text,
        selection_probability real, created_at moment, residue json""",
        refers="article_id article",
    )
    make(
        "post",
        "id",
        """id text, prediction_id text, article_id text, round_number integer, arm text, arm_probability real,
        shown_tag text, channel text, created_at moment, ts text?, posted_at moment?, votes_cursor number,
        settled_cursor number""",
        refers="prediction_id prediction",
        unique="channel ts",
    )
    some("ix_post_unsettled", "post", "votes_cursor", where="settled_cursor < votes_cursor")
    index("post", "article_id")
    index("post", "posted_at")
    index("post", "round_number")
    make(
        "invitation",
        "id",
        "id text, post_id text, user_id text, channel text, created_at moment, ts text?, sent_at moment?",
        refers="post_id post",
        unique="channel ts",
    )
    index("invitation", "post_id")
    index("invitation", "user_id created_at")
    index("invitation", "sent_at")
    make(
        "verdict",
        "seq",
        """seq number, post_id text, outcome text, tags json, reward real?, weight real, voters integer,
        support json, rejects integer, unsure integer, aggregator text, ledger_cursor number, settled_at moment,
        reason text?, model_versions text, newest flag""",
        refers="post_id post",
        unique="post_id ledger_cursor aggregator model_versions",
        unique_name="uq_verdict_rests_on",
    )
    some("ix_verdict_newest", "verdict", "post_id", where="newest", unique=True)
    some("ix_verdict_settled", "verdict", "settled_at", where="newest")
    some("ix_verdict_dataset", "verdict", "seq", where="newest")


def _ledger() -> None:
    make(
        "reaction_event",
        "seq",
        """seq number, event_id text, channel text, ts text, user_id text, name text, added flag,
        happened_at moment, received_at moment, source text, origin text""",
        unique="event_id",
    )
    index("reaction_event", "channel ts")
    make("message_tally", "channel ts", "channel text, ts text, ledger_cursor number, tallied_cursor number")
    some("ix_message_tally_untallied", "message_tally", "ledger_cursor", where="tallied_cursor < ledger_cursor")
    make(
        "vote",
        "post_id user_id says tag",
        "post_id text, user_id text, says text, tag text, at moment",
        refers="post_id post",
    )
    index("vote", "user_id at")


def _rounds_and_models() -> None:
    make(
        "round",
        "number",
        "number number, opened_at moment, closes_at moment, frozen_at moment?, champion text?, sharpshooter text?",
    )
    make(
        "standing",
        "round_number user_id",
        """round_number number, user_id text, rank integer, score integer, judged integer, agreed integer,
        settled integer""",
        refers="round_number round number",
    )
    make("standing_total", "user_id", "user_id text, judged integer, agreed integer, settled integer")
    make(
        "model_version",
        "id",
        """id text, number integer, parent text?, state text, encoder_digest text, sha256 text, created_at moment,
        card json""",
        unique="number",
    )
    some("ix_model_version_champion", "model_version", "", where="state = 'champion'", unique=True)
    make("model_weights", "model_id", "model_id text, weights blob", refers="model_id model_version")


def _work() -> None:
    make(
        "outbox",
        "seq",
        """seq number, id text, kind text, channel text, post_id text?, payload json, created_at moment,
        due_at moment, state text, attempts integer, lease_until moment?, result text?, error text?,
        done_at moment?""",
        unique="id",
    )
    some("ix_outbox_open", "outbox", "seq", where="state IN ('pending', 'sending')")
    index("outbox", "post_id")
    index("outbox", "state")
    make("hold", "kind", "kind text, until moment")
    make("due", "job", "job text, due_at moment, ran_at moment?, request json")
    make("lease", "name", "name text, holder text, until moment")
