"""Plain records of a workspace: users, channels, messages, files, views, and colleagues' actions."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class User:
    """A person or a bot of the workspace."""

    id: str
    name: str
    real_name: str
    is_admin: bool = False
    is_external: bool = False
    is_bot: bool = False
    is_deleted: bool = False
    tz: str = "Etc/UTC"
    color: str = "4a6fa5"
    bot_id: str | None = None
    home: str | None = None
    names_home: bool = False  # whether their events name that team, as those of some shared channels do
    is_ultra: bool = False


@dataclass(slots=True)
class Message:
    """A message in a channel; if `visible_to` is set, only that user sees it."""

    channel: str
    user: str
    text: str = ""
    ts: str = ""
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    bot_id: str | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    edited_ts: str | None = None
    visible_to: str | None = None
    files: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Channel:
    """A channel or direct conversation with its messages, oldest first."""

    id: str
    name: str
    created: int
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    members: dict[str, None] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass(slots=True)
class File:
    """An uploaded file."""

    id: str
    name: str
    length: int
    created: int
    alt_text: str = ""
    title: str = ""
    mimetype: str = "application/octet-stream"
    content: bytes | None = None
    completed_at: float | None = None
    channels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class View:
    """A modal in someone's stack, or someone's App Home."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    is_open: bool = True

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        return list(self.body["blocks"])


@dataclass(slots=True)
class Code:
    """The installation that an OAuth code grants. `team`: id of the team where it was requested."""

    team: str
    user: str
    org_wide: bool
    redirect_uri: str
    scopes: tuple[str, ...]
    expires_at: float


@dataclass(slots=True)
class Act:
    """A colleague's action: the ground truth to compare a bot's ledger with."""

    n: int
    at: str
    user: str
    act: str
    details: Json
