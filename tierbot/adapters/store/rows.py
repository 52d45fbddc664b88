"""The tables of the loop: articles, predictions, posts, the ledger, verdicts, rounds, models.

Every table carries workspace_id, and references between them cannot cross workspaces. A change here needs a
migration beside it (migrations/versions); a test compares the two. Columns that only queries need (cursors,
flags) are explained where they stand.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint

from tierbot.adapters.store.columns import Row, blob, document, moment, names, number, real, refers, some, words

_REQUESTED = "asked_at IS NULL AND (asked_in IS NOT NULL OR check_tag IS NOT NULL)"

# --- articles -------------------------------------------------------------------------------------


class ArticleRow(Row, table=True):
    """One thing to classify."""

    __tablename__ = "article"
    __table_args__ = (
        Index(None, "workspace_id", "received_at"),
        Index(None, "workspace_id", "embedded_with", "received_at"),
        Index(None, "workspace_id", "asked_at", "received_at"),
        some("ix_article_requested", "workspace_id", "received_at", where=_REQUESTED),
    )
    workspace_id: str = words(primary_key=True)
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
    asked_in: str | None = words(default=None)  # "channel/ts" of the thread that it is asked in
    check_tag: str | None = words(default=None)
    asked_at: datetime | None = moment(default=None)  # when its first post was made, or its label given
    embedded_with: str | None = words(default=None)  # digest of the encoder that embedded it last


class ArticleCopyRow(Row, table=True):
    """The same story met again; counted once by its id."""

    __tablename__ = "article_copy"
    __table_args__ = (refers("article_id", "article"), Index(None, "workspace_id", "article_id"))
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    article_id: str = words()
    source: str = words()


class EmbeddingRow(Row, table=True):
    """An article as an encoder sees it."""

    __tablename__ = "embedding"
    __table_args__ = (refers("article_id", "article"),)
    workspace_id: str = words(primary_key=True)
    encoder_digest: str = words(primary_key=True)
    article_id: str = words(primary_key=True)
    vector: bytes = blob()  # little-endian float32: exactly what the prediction was made from


class GivenLabelRow(Row, table=True):
    """A label that an archive brought along."""

    __tablename__ = "given_label"
    __table_args__ = (refers("article_id", "article"),)
    workspace_id: str = words(primary_key=True)
    article_id: str = words(primary_key=True)
    tags: dict[str, float] = document()
    source: str = words()
    given_at: datetime = moment()


# --- predictions, posts, verdicts -----------------------------------------------------------------


class PredictionRow(Row, table=True):
    """What a model said of an article, and what the policy made of it."""

    __tablename__ = "prediction"
    __table_args__ = (refers("article_id", "article"),)
    workspace_id: str = words(primary_key=True)
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


class PostRow(Row, table=True):
    """A prediction put to colleagues."""

    __tablename__ = "post"
    __table_args__ = (
        refers("prediction_id", "prediction"),
        UniqueConstraint("workspace_id", "channel", "ts"),
        Index(None, "workspace_id", "round_number"),
        Index(None, "workspace_id", "posted_at"),
        Index(None, "workspace_id", "article_id"),
        some("ix_post_unsettled", "workspace_id", "votes_cursor", where="settled_cursor < votes_cursor"),
    )
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    prediction_id: str = words()
    article_id: str = words()
    round_number: int
    arm: str = words()
    arm_probability: float = real()
    shown_tag: str = words()
    channel: str = words()
    created_at: datetime = moment()
    ts: str | None = words(default=None)
    posted_at: datetime | None = moment(default=None)
    votes_cursor: int = number()  # the ledger number its votes were derived up to
    settled_cursor: int = number()  # the ledger number its newest verdict rests on
    votes_expired_at: datetime | None = moment(default=None)  # since when votes are gone, and its verdict is final


class InvitationRow(Row, table=True):
    """A post put to one trainer by direct message."""

    __tablename__ = "invitation"
    __table_args__ = (
        refers("post_id", "post"),
        UniqueConstraint("workspace_id", "channel", "ts"),
        Index(None, "workspace_id", "post_id"),
        Index(None, "workspace_id", "user_id", "created_at"),
        Index(None, "workspace_id", "sent_at"),
    )
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    post_id: str = words()
    user_id: str = words()
    channel: str = words()
    created_at: datetime = moment()
    ts: str | None = words(default=None)
    sent_at: datetime | None = moment(default=None)


class VerdictRow(Row, table=True):
    """What a post's votes settled to, append-only."""

    __tablename__ = "verdict"
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
    outcome: str = words()
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
    newest: bool  # of its post


# --- the ledger and what is derived from it -------------------------------------------------------


class ReactionEventRow(Row, table=True):
    """The ledger, append-only."""

    __tablename__ = "reaction_event"
    __table_args__ = (
        UniqueConstraint("workspace_id", "event_id"),
        Index(None, "workspace_id", "channel", "ts"),
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
    source: str = words()
    origin: str = words()


class MessageTallyRow(Row, table=True):
    """How far a message's events go, and how far they have been read."""

    __tablename__ = "message_tally"
    __table_args__ = (
        some("ix_message_tally_untallied", "workspace_id", "ledger_cursor", where="tallied_cursor < ledger_cursor"),
    )
    workspace_id: str = words(primary_key=True)
    channel: str = words(primary_key=True)
    ts: str = words(primary_key=True)
    ledger_cursor: int = number()
    tallied_cursor: int = number()


class VoteRow(Row, table=True):
    """Who says what of which post, as derived from the ledger."""

    __tablename__ = "vote"
    __table_args__ = (refers("post_id", "post"), Index(None, "workspace_id", "user_id", "at"))
    workspace_id: str = words(primary_key=True)
    post_id: str = words(primary_key=True)
    user_id: str = words(primary_key=True)
    says: str = words(primary_key=True)
    tag: str = words(primary_key=True)  # "" where the vote names none: keys hold no NULL
    at: datetime = moment()


# --- rounds ---------------------------------------------------------------------------------------


class RoundRow(Row, table=True):
    """About a week of play."""

    __tablename__ = "round"
    workspace_id: str = words(primary_key=True)
    number: int = number(primary_key=True)
    opened_at: datetime = moment()
    closes_at: datetime = moment()
    frozen_at: datetime | None = moment(default=None)
    champion: str | None = words(default=None)
    sharpshooter: str | None = words(default=None)


class StandingRow(Row, table=True):
    """A trainer's line in a frozen round."""

    __tablename__ = "standing"
    __table_args__ = (refers("round_number", "round", "number"),)
    workspace_id: str = words(primary_key=True)
    round_number: int = number(primary_key=True)
    user_id: str = words(primary_key=True)
    place: int  # from 1, in the order in which the standings were frozen
    rank: int
    score: int
    judged: int
    agreed: int
    settled: int


class StandingTotalRow(Row, table=True):
    """Frozen standings summed per trainer, so that the all-time leaderboard costs the same in every round."""

    __tablename__ = "standing_total"
    workspace_id: str = words(primary_key=True)
    user_id: str = words(primary_key=True)
    judged: int
    agreed: int
    settled: int


# --- models ---------------------------------------------------------------------------------------


class ModelVersionRow(Row, table=True):
    """A model's card."""

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        some("ix_model_version_champion", "workspace_id", where="state = 'champion'", unique=True),
    )
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    number: int
    parent: str | None = words(default=None)
    state: str = words()
    encoder_digest: str = words()
    sha256: str = words()
    created_at: datetime = moment()
    card: dict[str, Any] = document()


class ModelWeightsRow(Row, table=True):
    """The bytes, apart from the cards: listing models does not load them."""

    __tablename__ = "model_weights"
    __table_args__ = (refers("model_id", "model_version"),)
    workspace_id: str = words(primary_key=True)
    model_id: str = words(primary_key=True)
    weights: bytes = blob()
