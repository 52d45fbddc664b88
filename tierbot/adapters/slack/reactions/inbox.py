"""Inbox first: write a reaction to the ledger before acknowledging it to Slack.

Bolt acknowledges an event before its listener runs, so listener *middleware* does the insert: if it raises, Bolt answers
500 and Slack delivers again. The event's id makes a second delivery harmless. Nothing here asks Slack.

Only the workspace's own members vote. In a channel shared with another company (Slack Connect), that company's people
don't count: nobody here knows them or could ask them. An event that names their team is dropped here; everyone else is
looked up before their vote counts (use_cases/voting/voters.py).
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse
from slack_bolt.request.internals import extract_enterprise_id

from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import ReactionEvent, from_slack_ts
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.ports import Clock

NEEDS = Needs(events={"reaction_added": ("reactions:read",), "reaction_removed": ("reactions:read",)})

_log = logging.getLogger(__name__)
_SLACKBOT = "USLACKBOT"
_TIMESTAMP = re.compile(r"[0-9]{1,11}\.[0-9]{1,6}", re.ASCII)
_USER = re.compile(r"[UW][A-Z0-9]+", re.ASCII)
_LONGEST = 255  # characters of an id or a reaction's name; Slack's are far shorter


class Malformed(ValueError):  # noqa: N818 - it describes a payload, not an error of ours
    """Says why a payload isn't a reaction event."""


def read_reaction(body: Mapping[str, Any], received_at: datetime) -> ReactionEvent | None:
    """Convert an Events API body; None for a reaction not to a message. Raises Malformed for a bad field."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        raise Malformed("event isn't an object")
    item = event.get("item")
    if not isinstance(item, Mapping):
        raise Malformed("event.item isn't an object")
    if item.get("type") != "message":
        return None
    if event.get("type") not in NEEDS.events:
        raise Malformed("event.type isn't a reaction")
    return ReactionEvent(
        event_id=_string(body, "event_id"),
        channel=_string(item, "channel"),
        ts=_matching(_TIMESTAMP, item, "ts", "a Slack timestamp"),
        user=_matching(_USER, event, "user", "a user id"),
        name=_string(event, "reaction"),
        added=event["type"] == "reaction_added",
        happened_at=_happened_at(body, event) or received_at,
        received_at=received_at,
    )


def _happened_at(body: Mapping[str, Any], event: Mapping[str, Any]) -> datetime | None:
    """Return when an event happened: `event_ts`, or else the envelope's time in whole seconds. None if neither is given."""
    seconds = body.get("event_time")
    try:
        if event.get("event_ts"):
            return from_slack_ts(_matching(_TIMESTAMP, event, "event_ts", "a Slack timestamp"))
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds > 0 else None
    except (ValueError, OverflowError, OSError) as fault:  # a year beyond datetime's range
        raise Malformed(f"the event's time can't be read ({fault})") from fault


def _matching(pattern: re.Pattern[str], fields: Mapping[str, Any], name: str, kind: str) -> str:
    value = _string(fields, name)
    if not pattern.fullmatch(value):
        raise Malformed(f"{name} {value[:40]!r} isn't {kind}")
    return value


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise Malformed(f"{name} is missing or isn't a short string")
    return value


class Inbox:
    """Turns reaction events into votes. Reactions by `ignored` users aren't votes."""

    def __init__(self, game: Game, clock: Clock, ignored: frozenset[str] = frozenset()) -> None:
        self.game = game
        self._clock = clock
        self._ignored = ignored | {_SLACKBOT}

    def vote(self, body: Mapping[str, Any], context: BoltContext) -> ReactionEvent | None:
        """Return the vote in an Events API body, or None if it isn't one; log why if the body is malformed."""
        try:
            event = read_reaction(body, self._clock.now())
        except Malformed as fault:
            _log.warning("Dropped reaction event %r: %s.", body.get("event_id"), fault)
            return None
        if event is None or event.user in {context.bot_user_id, *self._ignored} or body["event"].get("bot_id"):
            return None
        if not context.team_id:
            _log.warning("Dropped reaction event %r: it names no workspace.", event.event_id)
            return None
        home = body["event"].get("user_team")
        outside = isinstance(home, str) and home not in {context.team_id, extract_enterprise_id(dict(body))}
        return None if outside else event


def register(app: App, inbox: Inbox) -> None:
    """Subscribe to both reaction events."""

    # Plain functions, not methods: Bolt removes "self" from a shared list on the first call, a race between threads.
    def record(body: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002 - Bolt injects by name
        """Write a vote and let the listener run; acknowledge anything else without a listener."""
        event = inbox.vote(body, context)
        if event is None:
            return BoltResponse(status=200, body="")
        # Leads to use_cases/voting/recording.py. If it raises, Bolt answers 500 and Slack delivers again.
        inbox.game.record(str(context.team_id), event)
        next()
        return None

    def touched() -> None:
        """After the acknowledgment, wake the worker that settles votes."""
        inbox.game.wake()

    for kind in NEEDS.events:
        app.event(kind, middleware=[record])(touched)
