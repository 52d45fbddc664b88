"""The tables that the program needs to run: workspaces, people, the outbox, jobs, feeds. The rules of rows.py apply."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from tierbot.adapters.store.columns import (
    Row,
    WorkspaceScoped,
    choice,
    document,
    moment,
    names,
    number,
    real,
    refers,
    searching,
    some,
    words,
)
from tierbot.domain.articles.boundaries import Boundary
from tierbot.domain.articles.feeds import ListedBy
from tierbot.use_cases.ports import DeliveryKind, DeliveryState, Search

# --- workspace, tags, people ----------------------------------------------------------------------


class WorkspaceRow(WorkspaceScoped, table=True):
    """A Slack team."""

    name: str = words()
    created_at: datetime = moment()
    enterprise: str | None = words(default=None)  # its organization
    stopped_at: datetime | None = moment(default=None)  # when the app was uninstalled there
    bot_user: str | None = words(default=None)  # the bot's user id
    channel: str = words()  # set by an admin; if empty, the setting applies
    paused: bool  # whether scheduled posts are paused
    pseudonym_key: str | None = words(default=None)  # hexadecimal; created by the first export that needs it


class InstallationRow(WorkspaceScoped, table=True):
    """An installation of the app; workspace_id is the id of the workspace or the organization."""

    name: str = words()
    enterprise: str | None = words(default=None)
    org_wide: bool
    bot_user: str = words()
    bot_id: str = words()
    sealed_token: str = words()  # encrypted; empty once the installation ended
    scopes: tuple[str, ...] = names()
    installer: str = words()
    installed_at: datetime = moment()
    ended_at: datetime | None = moment(default=None)
    ended_by: str | None = words(default=None)


class OAuthStateRow(WorkspaceScoped, table=True):
    """A pending OAuth state. The workspace isn't known yet, so workspace_id is the app's client id."""

    state: str = words(primary_key=True)
    until: datetime = moment()


class TagRow(WorkspaceScoped, table=True):
    """A topic of the workspace's tag space."""

    id: str = words(primary_key=True)
    position: int  # in the tag file; retired tags stay
    name: str = words()
    short_name: str = words()
    character: str = words()
    description: str = words()
    siblings: tuple[str, ...] = names()
    synonyms: tuple[str, ...] = names()
    retired_at: datetime | None = moment(default=None)


class TrainerRow(WorkspaceScoped, table=True):
    """A colleague who reacts."""

    user_id: str = words(primary_key=True)
    display_name: str = words()
    opted_out: bool  # of mentions and nudges
    notes: dict[str, Any] = document()


class DoubtRow(WorkspaceScoped, table=True):
    """A doubt about how trainers vote."""

    id: str = words(primary_key=True)
    behavior: str = words()
    users: tuple[str, ...] = names()
    tag: str | None = words(default=None)
    observed: int
    expected: float = real()
    chances: int
    p_value: float = real()
    evidence: str = words()
    post_ids: tuple[str, ...] = names()
    noticed_at: datetime = moment()
    overruled_by: str | None = words(default=None)
    overruled_at: datetime | None = moment(default=None)


class ForgottenPersonRow(WorkspaceScoped, table=True):
    """The digest of a forgotten person's id, so that reconciliation skips them."""

    digest: str = words(primary_key=True)


class AuditRow(Row, table=True):
    """An admin's action, append-only."""

    __table_args__ = (Index(None, "workspace_id", "seq"), {"sqlite_autoincrement": True})
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    at: datetime = moment()
    who: str = words()
    what: str = words()
    before: Any = document(nullable=True)
    after: Any = document(nullable=True)


# --- outbox, agenda, leases -----------------------------------------------------------------------


class OutboxRow(Row, table=True):
    """A delivery, pending or sent."""

    __table_args__ = (
        UniqueConstraint("workspace_id", "id"),
        Index(None, "workspace_id", "state"),
        Index(None, "workspace_id", "post_id"),
        some("ix_outbox_open", "workspace_id", "seq", where="state IN ('pending', 'sending')"),
        {"sqlite_autoincrement": True},
    )
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    id: str = words()
    kind: DeliveryKind = choice(DeliveryKind)
    channel: str = words()
    post_id: str | None = words(default=None)  # from the payload; pre-fills wait for their post
    payload: dict[str, Any] = document()
    created_at: datetime = moment()
    due_at: datetime = moment()
    state: DeliveryState = choice(DeliveryState)
    attempts: int
    lease_until: datetime | None = moment(default=None)
    result: str | None = words(default=None)
    error: str | None = words(default=None)
    done_at: datetime | None = moment(default=None)
    priority: int | None = None  # above 0: sent before earlier deliveries
    after_id: str | None = words(default=None)  # the delivery that must end first
    failures: int = Field(sa_column_kwargs={"server_default": "0"})  # consecutive attempts without an answer
    search: Search | None = searching(default=None)  # JSON; set while it may have been sent


class HoldRow(WorkspaceScoped, table=True):
    """The time until which no delivery of a kind may be sent to a channel, or nothing looked up; no channel means any."""

    kind: str = words(primary_key=True)
    channel: str = words(primary_key=True)
    until: datetime = moment()


class ClosedChannelRow(WorkspaceScoped, table=True):
    """A channel that doesn't take the bot's messages now."""

    channel: str = words(primary_key=True)
    why: str = words()  # Slack's code
    since: datetime = moment()
    until: datetime = moment()  # when the next message may be tried


class JobRow(WorkspaceScoped, table=True):
    """A recurring job (its id is its kind) or a requested one."""

    __table_args__ = (some("ix_job_open", "due_at", where="finished_at IS NULL"),)
    id: str = words(primary_key=True)
    kind: str = words()
    due_at: datetime = moment()
    payload: dict[str, Any] = document()  # the work left
    ran_at: datetime | None = moment(default=None)
    asked_by: str | None = words(default=None)
    asked_at: datetime | None = moment(default=None)
    attempts: int  # consecutive failures
    error: str | None = words(default=None)
    claimed_by: str | None = words(default=None)  # the run that holds the claim
    finished_at: datetime | None = moment(default=None)


class PushDrawRow(Row, table=True):
    """The drawn time of a scheduled push, and what the draw was based on."""

    __table_args__ = (Index(None, "workspace_id", "seq"), {"sqlite_autoincrement": True})
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    at: datetime = moment()
    expected: float = real()  # voters per post
    propensity: float = real()


class SmokeTestRow(WorkspaceScoped, table=True):
    """The last smoke test's outcome."""

    at: datetime = moment()
    broken: str | None = words(default=None)  # the failed step
    says: str = words()
    seconds: float = real()


class MissingEmojiRow(WorkspaceScoped, table=True):
    """A tag's emoji that Slack no longer has; the admins were notified."""

    name: str = words(primary_key=True)


class EmojiAliasRow(WorkspaceScoped, table=True):
    """A workspace's own alias of an emoji."""

    __tablename__ = "emoji_alias"
    name: str = words(primary_key=True)
    stands_for: str = words()


class LeaseRow(WorkspaceScoped, table=True):
    """The holder of a lease, for work that only one process may do."""

    name: str = words(primary_key=True)
    holder: str = words()
    until: datetime = moment()


# --- feeds and boundaries -------------------------------------------------------------------------


class FeedRow(WorkspaceScoped, table=True):
    """A feed and its state."""

    url: str = words(primary_key=True)
    name: str = words()
    listed_by: ListedBy = choice(ListedBy)
    memory: dict[str, Any] = document()  # FeedMemory.as_dict, and "listed": the ids of what it lists now
    polled_at: datetime | None = moment(default=None)
    problem: str | None = words(default=None)
    notes: tuple[str, ...] = names()
    brought: int


class HeldBackRow(WorkspaceScoped, table=True):
    """An article that a boundary held back."""

    __table_args__ = (
        refers("article_id", "article"),
        Index(None, "workspace_id", "boundary", "rule", "at"),
    )
    article_id: str = words(primary_key=True)
    boundary: Boundary = choice(Boundary, primary_key=True)
    rule: str = words()
    grounds: str = words()  # the rules (and the model) in force; while they last, the article isn't a candidate
    at: datetime = moment()
    detail: dict[str, Any] = document()
