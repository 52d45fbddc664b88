"""The tables that the program needs to run: workspaces, people, the outbox, the agenda, feeds.

The same rules hold as for rows.py.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint

from tierbot.adapters.store.columns import Row, document, moment, names, number, real, refers, some, words

# --- workspace, tags, people ----------------------------------------------------------------------


class WorkspaceRow(Row, table=True):
    """A Slack team."""

    __tablename__ = "workspace"
    workspace_id: str = words(primary_key=True)
    name: str = words()
    created_at: datetime = moment()
    enterprise: str | None = words(default=None)  # the organization that it is part of
    stopped_at: datetime | None = moment(default=None)  # since when the app is not installed there
    bot_user: str | None = words(default=None)  # the bot's user id
    channel: str = words()  # chosen by an admin; empty: the setting's
    paused: bool  # scheduled posts
    pseudonym_key: str | None = words(default=None)  # hexadecimal; made with the first export that needs it


class InstallationRow(Row, table=True):
    """The app as installed in a workspace, or in an organisation: then workspace_id is the organisation's id."""

    __tablename__ = "installation"
    workspace_id: str = words(primary_key=True)
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


class OAuthStateRow(Row, table=True):
    """A state that OAuth gave out; no workspace is known yet, so workspace_id is the app's client id."""

    __tablename__ = "oauth_state"
    workspace_id: str = words(primary_key=True)
    state: str = words(primary_key=True)
    until: datetime = moment()


class TagRow(Row, table=True):
    """A topic of the workspace's tag space."""

    __tablename__ = "tag"
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    position: int  # the order of the tag file; retired tags stay
    name: str = words()
    short_name: str = words()
    character: str = words()
    description: str = words()
    siblings: tuple[str, ...] = names()
    retired_at: datetime | None = moment(default=None)


class TrainerRow(Row, table=True):
    """A colleague who reacts."""

    __tablename__ = "trainer"
    workspace_id: str = words(primary_key=True)
    user_id: str = words(primary_key=True)
    display_name: str = words()
    opted_out: bool  # of mentions and nudges
    notes: dict[str, Any] = document()


class DoubtRow(Row, table=True):
    """A doubt about how somebody votes."""

    __tablename__ = "doubt"
    workspace_id: str = words(primary_key=True)
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


class ForgottenPersonRow(Row, table=True):
    """A person who was forgotten: a digest of their id, so that reconciliation leaves them out."""

    __tablename__ = "forgotten_person"
    workspace_id: str = words(primary_key=True)
    digest: str = words(primary_key=True)


class AuditRow(Row, table=True):
    """What an admin did, append-only."""

    __tablename__ = "audit"
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
    """What is to be sent, and what was."""

    __tablename__ = "outbox"
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
    kind: str = words()
    channel: str = words()
    post_id: str | None = words(default=None)  # from the payload: pre-fills wait for their post
    payload: dict[str, Any] = document()
    created_at: datetime = moment()
    due_at: datetime = moment()
    state: str = words()
    attempts: int
    lease_until: datetime | None = moment(default=None)
    result: str | None = words(default=None)
    error: str | None = words(default=None)
    done_at: datetime | None = moment(default=None)
    priority: int | None = None  # above 0: it goes before what was queued earlier
    after_id: str | None = words(default=None)  # the delivery that must have ended before


class HoldRow(Row, table=True):
    """Until when nothing of a kind may be sent."""

    __tablename__ = "hold"
    workspace_id: str = words(primary_key=True)
    kind: str = words(primary_key=True)
    until: datetime = moment()


class JobRow(Row, table=True):
    """Something to do: a recurring job (its id is its kind) or a request."""

    __tablename__ = "job"
    __table_args__ = (some("ix_job_open", "due_at", where="finished_at IS NULL"),)
    workspace_id: str = words(primary_key=True)
    id: str = words(primary_key=True)
    kind: str = words()
    due_at: datetime = moment()
    payload: dict[str, Any] = document()  # what is left of it
    ran_at: datetime | None = moment(default=None)
    asked_by: str | None = words(default=None)
    asked_at: datetime | None = moment(default=None)
    attempts: int  # that failed in a row
    error: str | None = words(default=None)
    claimed_by: str | None = words(default=None)  # the run that may write for it
    finished_at: datetime | None = moment(default=None)


class PushDrawRow(Row, table=True):
    """A moment that was drawn for a scheduled push, with what the draw was made from."""

    __tablename__ = "push_draw"
    __table_args__ = (Index(None, "workspace_id", "seq"), {"sqlite_autoincrement": True})
    seq: int = number(primary_key=True)
    workspace_id: str = words()
    at: datetime = moment()
    expected: float = real()  # voters on a post
    propensity: float = real()


class SmokeTestRow(Row, table=True):
    """How the last smoke test went."""

    __tablename__ = "smoke_test"
    workspace_id: str = words(primary_key=True)
    at: datetime = moment()
    broken: str | None = words(default=None)  # the step
    says: str = words()
    seconds: float = real()


class MissingEmojiRow(Row, table=True):
    """A tag's emoji that is gone from Slack, of which the admins were told."""

    __tablename__ = "missing_emoji"
    workspace_id: str = words(primary_key=True)
    name: str = words(primary_key=True)


class LeaseRow(Row, table=True):
    """Who may do what only one process may do."""

    __tablename__ = "lease"
    workspace_id: str = words(primary_key=True)
    name: str = words(primary_key=True)
    holder: str = words()
    until: datetime = moment()


# --- feeds and boundaries -------------------------------------------------------------------------


class FeedRow(Row, table=True):
    """A source that is polled."""

    __tablename__ = "feed"
    workspace_id: str = words(primary_key=True)
    url: str = words(primary_key=True)
    name: str = words()
    listed_by: str = words()
    memory: dict[str, Any] = document()  # FeedMemory.as_dict
    polled_at: datetime | None = moment(default=None)
    problem: str | None = words(default=None)
    notes: tuple[str, ...] = names()
    brought: int


class HeldBackRow(Row, table=True):
    """An article that a boundary kept from being posted."""

    __tablename__ = "held_back"
    __table_args__ = (
        refers("article_id", "article"),
        Index(None, "workspace_id", "boundary", "rule", "at"),
    )
    workspace_id: str = words(primary_key=True)
    article_id: str = words(primary_key=True)
    boundary: str = words(primary_key=True)
    rule: str = words()
    grounds: str = words()  # the rules (and the model) that held it back: while they stand, it does not wait
    at: datetime = moment()
    detail: dict[str, Any] = document()
