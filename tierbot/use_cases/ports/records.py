"""What the store keeps that is no noun of TIER: deliveries, due times, workspaces, and posts joined with their verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tierbot.domain.nouns import Post, Prediction, TierbotError, Verdict


class DeliveryKind(StrEnum):
    """What an outbox row asks for."""

    POST = "post"  # payload: post_id
    PREFILL = "prefill"  # payload: post_id, emoji
    ANNOUNCE = "announce"  # payload: the announcement
    UPDATE = "update"  # payload: post_id, ts; the message there is brought up to date
    PICTURE = "picture"  # payload: title, alt, and what the chart shows
    INVITE = "invite"  # payload: invitation_id; a post's message and pre-fills, for one trainer


class DeliveryState(StrEnum):
    """Where an outbox row stands."""

    PENDING = "pending"
    SENDING = "sending"  # claimed; after a crash it may or may not have been sent
    DONE = "done"
    PARKED = "parked"  # refused for good; an admin looks at it


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or reaction to send exactly once. `id` is a natural key; `result` is the ts once sent."""

    id: str
    kind: DeliveryKind
    channel: str
    payload: Mapping[str, Any]
    created_at: datetime
    due_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """When a scheduled job is next due, and when it last ran."""

    job: str
    due_at: datetime
    ran_at: datetime | None = None
    request: Mapping[str, Any] = field(default_factory=dict)  # what an admin asked for: by whom, how many


class Cell(StrEnum):
    """What a column of a table holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"
    NAMES = "names"  # a tuple of ids
    SHARES = "shares"  # numbers by tag id
    JSON = "json"
    TRAINER = "trainer"  # a user id


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table that is read as a data frame."""

    name: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class TablePage:
    """Rows of a table, in the order of its columns, and the key behind which the next page begins (None: no more)."""

    rows: list[tuple[Any, ...]]
    next: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Slack team as tierbot knows it. `settings` are its runtime switches (such as `paused`).

    enterprise: the organisation that it is part of, if any. stopped_at: since when the app is not installed there;
    its data are kept, and nothing is sent or scheduled.
    """

    id: str
    name: str
    created_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)
    enterprise: str | None = None
    stopped_at: datetime | None = None

    @property
    def channel(self) -> str:
        """The channel that was chosen to play in; empty if none was."""
        return str(self.settings.get("channel") or "")

    def plays_in(self, default: str) -> str:
        """Return the channel that it plays in: the one chosen there, or else the default (either may be empty)."""
        return self.channel or default


@dataclass(frozen=True, slots=True)
class Installation:
    """The app installed in a workspace, or (`org_wide`) in an organisation, whose id `id` then is.

    sealed_token: the bot token, encrypted; empty once the installation ended. installer: the user id of who installed.
    """

    id: str
    name: str
    enterprise: str | None
    org_wide: bool
    bot_user: str
    bot_id: str
    sealed_token: str
    scopes: tuple[str, ...]
    installer: str
    installed_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledPost:
    """A post with everything learning and scoring ask of it at once."""

    post: Post
    prediction: Prediction
    verdict: Verdict


def only_workspace(found: Sequence[Workspace], wanted: str) -> str:
    """Return the id of the one workspace there is, or of that which is wanted (TIERBOT_WORKSPACE; may be empty).

    Raises TierbotError if there is none, or several and none of them is wanted.
    """
    ids = [one.id for one in found]
    if wanted in ids:
        return wanted
    if len(ids) == 1 and not wanted:
        return ids[0]
    if not ids:
        raise TierbotError("The database knows no workspace yet. Start the bot once with `tierbot run`.")
    listed = ", ".join(f"{one.id} ({one.name})" for one in found)
    there = f"The database has no workspace {wanted}; it has" if wanted else "The database has several workspaces:"
    raise TierbotError(f"{there} {listed}. Say which with TIERBOT_WORKSPACE.")
