"""Records of the store besides the domain nouns: deliveries, jobs, workspaces, posts joined with their verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tierbot.domain.nouns import Post, Prediction, TierbotError, Verdict


class DeliveryKind(StrEnum):
    """What an outbox row sends."""

    POST = "post"  # payload: post_id
    PREFILL = "prefill"  # payload: post_id, emoji
    ANNOUNCE = "announce"  # payload: the announcement
    UPDATE = "update"  # payload: post_id, ts; the message there is updated
    PICTURE = "picture"  # payload: title, alt, and the chart's data
    THANK = "thank"  # payload: the announcement, and the only user who sees it
    INVITE = "invite"  # payload: invitation_id; a post's message and pre-fills, for one trainer


NOT_SENT = "its post was not sent"
"""The error of a pre-fill whose post is parked."""

SEARCHABLE = frozenset({DeliveryKind.POST, DeliveryKind.ANNOUNCE, DeliveryKind.PICTURE, DeliveryKind.INVITE})
"""Kinds that must not be sent twice, and whose message can be found again by the delivery's id."""


class DeliveryState(StrEnum):
    """The state of an outbox row."""

    PENDING = "pending"
    SENDING = "sending"  # claimed; after a crash it may or may not have been sent
    DONE = "done"
    PARKED = "parked"  # permanently refused; an admin decides
    DROPPED = "dropped"  # by an admin


LOOK_UP = "look_up"
"""What `Outbox.hold` calls look-ups of messages that may have been sent."""


@dataclass(frozen=True, slots=True)
class Search:
    """The look-up of a message that may have been sent, by an attempt between these two times.

    wide: it wasn't found where it was most likely, so the search covers more. cursor: Slack's, for the next page. waited: the
    seconds for which Slack has held the search up. failures: how many attempts in a row had failed when it began.
    """

    since: datetime
    until: datetime
    wide: bool = False
    cursor: str | None = None
    waited: float = 0.0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message or reaction to send exactly once. `id` is a natural key; `result` is the ts once sent.

    attempts: how often it was claimed. failures: how many attempts in a row had no answer. search: set while it may have
    been sent, which must be known before it is sent again. priority: above 0, it overtakes earlier rows. after_id: it
    waits until that delivery is sent or parked.
    """

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
    priority: int | None = None
    after_id: str | None = None
    failures: int = 0
    search: Search | None = None


@dataclass(frozen=True, slots=True)
class ClosedChannel:
    """A channel that doesn't take the bot's messages now. `why` is Slack's code; nothing is tried there before `until`."""

    channel: str
    why: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A recurring job, whose id is its kind, or a request, which runs once.

    payload: what is left of it (a push: `count`). asked_by: the requester's user id. ran_at: when a recurring job last
    succeeded. attempts: failures in a row, the last with `error`. claimed_by: the run that may write for it; replaced by
    the next run.
    """

    id: str
    kind: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    ran_at: datetime | None = None
    asked_by: str | None = None
    asked_at: datetime | None = None
    attempts: int = 0
    error: str | None = None
    claimed_by: str | None = None
    finished_at: datetime | None = None

    @classmethod
    def recurring(cls, kind: str, due_at: datetime, ran_at: datetime | None = None) -> "Job":
        """Return the recurring job of a kind."""
        return cls(kind, kind, due_at, {}, ran_at)

    @classmethod
    def request(cls, kind: str, request_id: str, now: datetime, by: str | None = None, **payload: Any) -> "Job":
        """Return a request that is due now. `request_id` is a natural key: asking twice counts once."""
        return cls(request_id, kind, now, payload, asked_by=by, asked_at=now)

    @property
    def recurs(self) -> bool:
        """Whether it recurs."""
        return self.id == self.kind


@dataclass(frozen=True, slots=True)
class DueJob:
    """A due job, before anything else of the workspace is read. stopped: the app is not installed there."""

    workspace: str
    id: str
    kind: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class Again:
    """A job is not done: it continues at `due_at` with what is left."""

    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


class Cell(StrEnum):
    """The type of a column."""

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
    """Rows of a table, in the order of its columns, and the key after which the next page begins (None: no more)."""

    rows: list[tuple[Any, ...]]
    next: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Slack team as tierbot knows it.

    enterprise: its organization, if any. stopped_at: since when the app is not installed; its data is kept, and nothing
    is sent or scheduled. bot_user: the bot's user id, None until it has connected. channel: the one an admin chose, or
    empty.
    paused: whether scheduled posts are paused.
    """

    id: str
    name: str
    created_at: datetime
    enterprise: str | None = None
    stopped_at: datetime | None = None
    bot_user: str | None = None
    channel: str = ""
    paused: bool = False

    def plays_in(self, default: str) -> str:
        """Return its channel: the one chosen there, or the default (either may be empty)."""
        return self.channel or default


@dataclass(frozen=True, slots=True)
class Doubt:
    """What someone is suspected of, with evidence (see domain.feedback.suspicion), and who overruled it, if anyone."""

    id: str
    behavior: str
    users: tuple[str, ...]
    tag: str | None
    observed: int
    expected: float
    chances: int
    p_value: float
    evidence: str
    post_ids: tuple[str, ...]
    noticed_at: datetime
    overruled_by: str | None = None
    overruled_at: datetime | None = None

    @property
    def in_force(self) -> bool:
        """Whether it hasn't been overruled."""
        return self.overruled_by is None


@dataclass(frozen=True, slots=True)
class PushDraw:
    """A moment drawn for a scheduled push: the voters expected on a post, and the draw's probability, in (0, 1]."""

    at: datetime
    expected: float
    propensity: float


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """How the last smoke test went: the step that broke (None: none did), what it said, and how long it took."""

    at: datetime
    broken: str | None
    says: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Installation:
    """The app installed in a workspace, or (`org_wide`) in the organization with this id.

    sealed_token: the bot token, encrypted; empty once the installation ended. installer: the installer's user id.
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
    """A post with everything that learning and scoring need."""

    post: Post
    prediction: Prediction
    verdict: Verdict


def only_workspace(found: Sequence[Workspace], wanted: str) -> str:
    """Return `wanted` (TIERBOT_WORKSPACE), or if it is empty, the only workspace's id; TierbotError if there is no such one."""
    ids = [one.id for one in found]
    if wanted in ids:
        return wanted
    if len(ids) == 1 and not wanted:
        return ids[0]
    if not ids:
        raise TierbotError("The database has no workspace yet. Start the bot once with `tierbot run`.")
    listed = ", ".join(f"{one.id} ({one.name})" for one in found)
    there = f"The database has no workspace {wanted}; it has" if wanted else "The database has several workspaces:"
    raise TierbotError(f"{there} {listed}. Choose one with TIERBOT_WORKSPACE.")
