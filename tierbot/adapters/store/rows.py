"""The tables of the loop: articles, predictions, posts, the ledger, verdicts, rounds, models.

Every table has workspace_id, and foreign keys can't cross workspaces. A change here needs a migration
(migrations/versions); a test compares the two. Comments explain the columns that only queries use (cursors, flags).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field

from tierbot.adapters.store.columns import (
    Row,
    WorkspaceScoped,
    blob,
    choice,
    document,
    moment,
    names,
    number,
    real,
    refers,
    some,
    words,
)
from tierbot.domain.nouns import Arm, ModelState, Origin, Outcome, Says, Source

_REQUESTED = "asked_at IS NULL AND (asked_in IS NOT NULL OR check_tag IS NOT NULL)"

# --- articles -------------------------------------------------------------------------------------


class ArticleRow(WorkspaceScoped, table=True):
    """One thing to classify."""

    __table_args__ = (
        Index(None, "workspace_id", "received_at"),
        Index(None, "workspace_id", "embedded_with", "received_at"),
        Index(None, "workspace_id", "asked_at", "received_at"),
        some("ix_article_requested", "workspace_id", "received_at", where=_REQUESTED),
    )
    id: str = words(primary_key=True)
    title: str = words()
    text: str = words()
    url: str = words()
    source: str = words()
    received_at: datetime = moment()
    published_at: datetime | None = moment(default=None)
    image_url: str | None = words(default=None)
    copies: int
    asked_by: str | None = words(default=None)
    asked_in: str | None = words(default=None)  # "channel/ts" of the thread to ask in
    check_tag: str | None = words(default=None)
    feeds: tuple[str, ...] = names(sa_column_kwargs={"server_default": "[]"})  # the URLs of the feeds that carry it
    asked_at: datetime | None = moment(default=None)  # when it was first posted, or its label imported
    embedded_with: str | None = words(default=None)  # digest of the last encoder that embedded it


class ArticleCopyRow(WorkspaceScoped, table=True):
    """A duplicate of a story, counted once by its id."""

    __table_args__ = (refers("article_id", "article"), Index(None, "workspace_id", "article_id"))
    id: str = words(primary_key=True)
    article_id: str = words()
    source: str = words()


class EmbeddingRow(WorkspaceScoped, table=True):
    """An article's embedding by one encoder."""

    __table_args__ = (refers("article_id", "article"), Index(None, "workspace_id", "article_id"))
    encoder_digest: str = words(primary_key=True)
    article_id: str = words(primary_key=True)
    vector: bytes = blob()  # little-endian float32, exactly as the prediction used it


class GivenLabelRow(WorkspaceScoped, table=True):
    """A label imported with an archive."""

    __table_args__ = (refers("article_id", "article"),)
    article_id: str = words(primary_key=True)
    tags: dict[str, float] = document()
    source: str = words()
    given_at: datetime = moment()


# --- predictions, posts, verdicts -----------------------------------------------------------------


class PredictionRow(WorkspaceScoped, table=True):
    """A model's prediction for an article, and the policy's choice."""

    __table_args__ = (refers("article_id", "article"), Index(None, "workspace_id", "article_id"))
    id: str = words(primary_key=True)
    article_id: str = words()
    model_version: str = words()
    policy: str = words()
    shown_tag: str = words()
    top_tag: str = words()  # the argmax, so that accuracy needs no distributions
    propensity: float = real()
    probabilities: dict[str, float] = document()
    policy_probabilities: dict[str, float] = document()
    selection_strategy: str = words()
    selection_probability: float = real()
    created_at: datetime = moment()
    prediction_metadata: dict[str, Any] = document()


class PostRow(WorkspaceScoped, table=True):
    """A prediction posted for colleagues to judge."""

    __table_args__ = (
        refers("prediction_id", "prediction"),
        UniqueConstraint("workspace_id", "channel", "ts"),
        Index(None, "workspace_id", "round_number"),
        Index(None, "workspace_id", "posted_at"),
        Index(None, "workspace_id", "article_id"),
        some("ix_post_unsettled", "workspace_id", "votes_cursor", where="settled_cursor < votes_cursor"),
    )
    id: str = words(primary_key=True)
    prediction_id: str = words()
    article_id: str = words()
    round_number: int
    arm: Arm = choice(Arm)
    arm_probability: float = real()
    shown_tag: str = words()
    channel: str = words()
    created_at: datetime = moment()
    ts: str | None = words(default=None)
    posted_at: datetime | None = moment(default=None)
    votes_cursor: int = number()  # the last ledger number that its votes include
    settled_cursor: int = number()  # the last ledger number that its newest verdict includes
    votes_expired_at: datetime | None = moment(
        default=None
    )  # when votes were deleted; since then, its verdict is final


class InvitationRow(WorkspaceScoped, table=True):
    """A post sent to one trainer by direct message."""

    __table_args__ = (
        refers("post_id", "post"),
        UniqueConstraint("workspace_id", "channel", "ts"),
        Index(None, "workspace_id", "post_id"),
        Index(None, "workspace_id", "user_id", "created_at"),
        Index(None, "workspace_id", "sent_at"),
    )
    id: str = words(primary_key=True)
    post_id: str = words()
    user_id: str = words()
    channel: str = words()
    created_at: datetime = moment()
    ts: str | None = words(default=None)
    sent_at: datetime | None = moment(default=None)


class VerdictRow(Row, table=True):
    """A post's verdict, append-only."""

    __table_args__ = (
        refers("post_id", "post"),
        UniqueConstraint(
            "workspace_id", "post_id", "ledger_cursor", "aggregator", "model_versions", name="uq_verdict_rests_on"
        ),
        some("ix_verdict_newest", "workspace_id", "post_id", where="newest", where_sqlite="newest = 1", unique=True),
        some("ix_verdict_dataset", "workspace_id", "seq", where="newest", where_sqlite="newest = 1"),
        some("ix_verdict_settled", "workspace_id", "settled_at", where="newest", where_sqlite="newest = 1"),
        {"sqlite_autoincrement": True},
    )
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    post_id: str = words()
    outcome: Outcome = choice(Outcome)
    tags: dict[str, float] = document()
    reward: float | None = real(default=None)
    weight: float = real()
    voters: int
    support: dict[str, int] = document()
    rejects: int
    unsure: int
    aggregator: str = words()
    ledger_cursor: int = number()
    settled_at: datetime = moment()
    reason: str | None = words(default=None)
    model_versions: tuple[str, ...] = names()
    newest: bool  # the post's newest verdict


# --- the ledger and what is derived from it -------------------------------------------------------


class ReactionEventRow(Row, table=True):
    """The ledger, append-only."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "event_id"),
        Index(None, "workspace_id", "channel", "ts", "seq"),
        some(
            "ix_reaction_event_current",
            *("workspace_id", "channel", "ts", "user_id"),
            where="NOT superseded",
            where_sqlite="superseded = 0",
        ),
        {"sqlite_autoincrement": True},
    )
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    event_id: str = words()
    channel: str = words()
    ts: str = words()
    user_id: str = words()
    name: str = words()
    added: bool
    happened_at: datetime = moment()
    received_at: datetime = moment()
    source: Source = choice(Source)
    origin: Origin = choice(Origin)
    # A tally has seen a later event of the same user, name and source.
    superseded: bool = Field(sa_column_kwargs={"server_default": false()})


class MessageTallyRow(WorkspaceScoped, table=True):
    """A message's latest event, and the latest one that was tallied."""

    __table_args__ = (
        some(
            "ix_message_tally_untallied",
            *("workspace_id", "tallied_cursor", "ledger_cursor"),
            where="tallied_cursor < ledger_cursor",
        ),
    )
    channel: str = words(primary_key=True)
    ts: str = words(primary_key=True)
    ledger_cursor: int = number()
    tallied_cursor: int = number()


class ReactorRow(WorkspaceScoped, table=True):
    """Someone who reacted, and whether they may vote, according to Slack."""

    __tablename__ = "reactor"
    user_id: str = words(primary_key=True)
    may_vote: bool
    looked_up_at: datetime = moment()


class VoteRow(WorkspaceScoped, table=True):
    """A current vote, derived from the ledger."""

    __table_args__ = (refers("post_id", "post"), Index(None, "workspace_id", "user_id", "at"))
    post_id: str = words(primary_key=True)
    user_id: str = words(primary_key=True)
    says: Says = choice(Says, primary_key=True)
    tag: str = words(primary_key=True)  # "" if the vote names no tag; a key can't contain NULL
    at: datetime = moment()


# --- rounds ---------------------------------------------------------------------------------------


class RoundRow(WorkspaceScoped, table=True):
    """About a week of play."""

    number: int = number(primary_key=True)
    opened_at: datetime = moment()
    closes_at: datetime = moment()
    frozen_at: datetime | None = moment(default=None)
    champion: str | None = words(default=None)
    sharpshooter: str | None = words(default=None)


class StandingRow(WorkspaceScoped, table=True):
    """A trainer's frozen standing in a round."""

    __table_args__ = (refers("round_number", "round", "number"),)
    round_number: int = number(primary_key=True)
    user_id: str = words(primary_key=True)
    place: int  # from 1, in the frozen order
    rank: int
    score: int
    judged: int
    agreed: int
    settled: int


class StandingTotalRow(WorkspaceScoped, table=True):
    """Frozen standings summed per trainer, so the all-time leaderboard's cost doesn't grow with the rounds."""

    user_id: str = words(primary_key=True)
    judged: int
    agreed: int
    settled: int


# --- models ---------------------------------------------------------------------------------------


class ModelVersionRow(WorkspaceScoped, table=True):
    """A model's card."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        some("ix_model_version_champion", "workspace_id", where="state = 'champion'", unique=True),
    )
    id: str = words(primary_key=True)
    number: int
    parent: str | None = words(default=None)
    state: ModelState = choice(ModelState)
    encoder_digest: str = words()
    sha256: str = words()
    created_at: datetime = moment()
    card: dict[str, Any] = document()


class ModelWeightsRow(WorkspaceScoped, table=True):
    """A model's weights, separate from the cards so that listing models doesn't load them."""

    __table_args__ = (refers("model_id", "model_version"),)
    model_id: str = words(primary_key=True)
    weights: bytes = blob()
