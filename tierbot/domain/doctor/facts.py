"""What is known about a setup, gathered at the edges. No judgement: that is judge.py's."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A question that was not answered: the answerer's own word for why, and a sentence with the remedy."""

    code: str
    says: str


@dataclass(frozen=True, slots=True)
class AppFacts:
    """Whom the bot token belongs to; `scopes` is None where Slack did not say."""

    team: str
    bot: str
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """The channel to post in, as the bot sees it."""

    id: str
    name: str
    is_member: bool
    is_archived: bool


@dataclass(frozen=True, slots=True)
class SlackFacts:
    """What Slack answered. None: not asked, because something before it failed.

    connections: True if the app token may open a Socket Mode connection. emoji: names of the workspace's own.
    clock_ahead: seconds by which this machine's clock is ahead of Slack's (negative: behind).
    """

    app: AppFacts | Refusal | None = None
    connections: bool | Refusal | None = None
    channel: ChannelFacts | Refusal | None = None
    emoji: frozenset[str] | Refusal | None = None
    clock_ahead: float | None = None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The database: where it is (no password), and what came of opening it and writing to it.

    is_new: nothing is there yet. revision: of its schema; newest: that of this program. free_bytes: None where it
    cannot be told (another machine's disk).
    """

    where: str
    fault: str | None = None
    is_new: bool = False
    revision: str | None = None
    newest: str = ""
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class EventFacts:
    """When the ledger last got a reaction from Slack's events, and when one was only found by comparing."""

    live: datetime | None = None
    reconciled: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """A feed and what is wrong with it, if anything."""

    url: str
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What this machine knows without asking Slack. None: not looked at, because something before it failed.

    encoder, model: the digest or id of what is in use, or why it cannot be used. env_mode: permission bits of
    `.env`, None where there is none (or no such bits). channel: the one that was chosen with `/tier channel`, if any.
    """

    database: DatabaseFacts
    encoder: str | Refusal | None = None
    model: str | Refusal | None = None
    events: EventFacts | None = None
    feeds: tuple[FeedFacts, ...] | None = None
    env_mode: int | None = None
    channel: str = ""
