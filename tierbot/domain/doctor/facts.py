"""Defines the facts about a setup that the adapters gather; judge.py judges them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failed question: the other side's error code, and a sentence that says how to fix it."""

    code: str
    says: str


@dataclass(frozen=True, slots=True)
class AppFacts:
    """The owner of the bot token; `scopes` is None if Slack didn't list them."""

    team: str
    bot: str
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """The channel to post in, as seen by the bot."""

    id: str
    name: str
    is_member: bool
    is_archived: bool


@dataclass(frozen=True, slots=True)
class SlackFacts:
    """Slack's answers. None: not asked, because an earlier question failed."""

    app: AppFacts | Refusal | None = None
    connections: bool | Refusal | None = None  # True if the app token can open a Socket Mode connection
    channel: ChannelFacts | Refusal | None = None
    emoji: frozenset[str] | Refusal | None = None  # names of the custom emoji
    clock_ahead: float | None = None  # seconds by which this machine's clock is ahead of Slack's (negative: behind)


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The database: where it is (without the password), and the error if it can't be opened or written to."""

    where: str
    fault: str | None = None
    is_new: bool = False  # it doesn't exist yet
    revision: str | None = None  # of its schema
    newest: str = ""  # of this program's
    free_bytes: int | None = None  # None if it's on another machine's disk


@dataclass(frozen=True, slots=True)
class EventFacts:
    """When the ledger last got a reaction as a Slack event, and when by reconciliation."""

    live: datetime | None = None
    reconciled: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """A feed, its problem if it has one, and whether it was ever read."""

    url: str
    fault: str | None = None
    polled: bool = True


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """Facts that don't come from Slack. None: not checked, because an earlier check failed."""

    database: DatabaseFacts
    encoder: str | Refusal | None = None  # its digest
    model: str | Refusal | None = None  # the live one's id
    events: EventFacts | None = None
    feeds: tuple[FeedFacts, ...] | None = None
    env_mode: int | None = None  # permission bits of `.env`, if there is such a file
    channel: str = ""  # set with `/tier channel`, if any
