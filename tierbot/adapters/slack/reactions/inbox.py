"""Inbox first: a reaction is in the ledger before Slack is told that it arrived.

Bolt acknowledges an event before its listener runs, so the insert is done in listener *middleware*: if it
raises, Bolt answers 500, nothing is acknowledged and Slack delivers again. The event's id makes the second
delivery harmless. No API call is made per event; who is a bot, or of another team, is known from the directory.

Votes are those of the workspace's own members. A channel that is shared with another company (Slack Connect) brings
reactions of people who are no colleagues: they are not counted, since nobody here knows them or could ask them.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse
from slack_bolt.request.internals import extract_enterprise_id
from slack_sdk import WebClient

from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.game_port import GamePort
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import ReactionEvent, from_slack_ts
from tierbot.use_cases.ports import Clock

NEEDS = Needs(
    events={"reaction_added": ("reactions:read",), "reaction_removed": ("reactions:read",)},
)

_log = logging.getLogger(__name__)
_SLACKBOT = "USLACKBOT"
_VOTE = "tierbot_vote"  # where the listener finds what its middleware read
_TIMESTAMP = re.compile(r"[0-9]{1,11}\.[0-9]{1,6}", re.ASCII)
_USER = re.compile(r"[UW][A-Z0-9]+", re.ASCII)
_LONGEST = 255  # characters of an id or a reaction's name; Slack's are far shorter


class Malformed(ValueError):  # noqa: N818 - it is an answer, not a fault of ours
    """A payload that is no reaction event; says what is wrong with it."""


def read_reaction(body: Mapping[str, Any], received_at: datetime) -> ReactionEvent | None:
    """Turn an Events API body into a ReactionEvent; None if it is about something else than a message.

    Raises Malformed if a field that every reaction event has is missing or of the wrong kind.
    """
    event = body.get("event")
    if not isinstance(event, Mapping):
        raise Malformed("event is no object")
    item = event.get("item")
    if not isinstance(item, Mapping):
        raise Malformed("event.item is no object")
    if item.get("type") != "message":
        return None
    if event.get("type") not in {"reaction_added", "reaction_removed"}:
        raise Malformed("event.type is no reaction")
    try:
        happened_at = from_slack_ts(_timestamp(event, "event_ts"))
    except (OverflowError, OSError) as fault:  # a year beyond what datetime holds
        raise Malformed(f"event_ts cannot be read ({fault})") from fault
    return ReactionEvent(
        event_id=_string(body, "event_id"),
        channel=_string(item, "channel"),
        ts=_timestamp(item, "ts"),
        user=_user(event),
        name=_string(event, "reaction"),
        added=event["type"] == "reaction_added",
        happened_at=happened_at,
        received_at=received_at,
    )


def _user(event: Mapping[str, Any]) -> str:
    value = _string(event, "user")
    if not _USER.fullmatch(value):
        raise Malformed(f"user {value[:40]!r} is no user id")
    return value


def _timestamp(fields: Mapping[str, Any], name: str) -> str:
    value = _string(fields, name)
    if not _TIMESTAMP.fullmatch(value):
        raise Malformed(f"{name} {value[:40]!r} is no Slack timestamp")
    return value


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise Malformed(f"{name} is missing or no short text")
    return value


class Inbox:
    """What is done with reaction events, whichever way they come. `ignored` are users whose reactions are no votes."""

    def __init__(
        self, game: GamePort, clock: Clock, directory: Directory, ignored: frozenset[str] = frozenset()
    ) -> None:
        self.game = game
        self._clock = clock
        self._directory = directory
        self._ignored = ignored | {_SLACKBOT}

    def vote(self, body: Mapping[str, Any], workspace: str, bot_user: str | None) -> ReactionEvent | None:
        """Return the vote in an Events API body, None if it is nobody's. Raises Malformed; see `read_reaction`."""
        event = read_reaction(body, self._clock.now())
        if event is None or event.user == bot_user or event.user in self._ignored or body["event"].get("bot_id"):
            return None
        outside = self._directory.is_outsider(workspace, event.user)
        if outside is None:  # not listed (yet): what the event itself says of the user's team
            home = body["event"].get("user_team")
            outside = isinstance(home, str) and home not in {workspace, extract_enterprise_id(dict(body))}
        return None if outside else event

    def after(self, workspace: str, client: WebClient) -> None:
        """Learn who is who. May ask Slack: only after the acknowledgement."""
        self._directory.keep_fresh(workspace, client)


def register(app: App, inbox: Inbox) -> None:
    """Subscribe to both reaction events."""

    # Plain functions, not methods: Bolt drops "self" from a shared list on the first call, which two threads
    # may do at once.
    def record(body: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002 - Bolt injects by name
        """Write the event, then let the listener run; what is no vote is acknowledged and goes no further."""
        event = _vote(inbox, body, context)
        if event is None:
            return BoltResponse(status=200, body="")
        context[_VOTE] = event
        inbox.game.record(str(context.team_id), event)  # raises: Bolt answers 500, Slack delivers again
        next()
        return None

    def touched(context: BoltContext, client: WebClient) -> None:
        """Run after the acknowledgement: have it tallied and settled soon, learn who is a bot."""
        workspace = str(context.team_id)
        inbox.game.touched(workspace)
        inbox.after(workspace, client)

    for kind in NEEDS.events:
        app.event(kind, middleware=[record])(touched)


def _vote(inbox: Inbox, body: Mapping[str, Any], context: BoltContext) -> ReactionEvent | None:
    try:
        event = inbox.vote(body, str(context.team_id), context.bot_user_id)
    except Malformed as fault:
        _log.warning("Reaction event %r dropped: %s.", body.get("event_id"), fault)
        return None
    if event is not None and not context.team_id:
        _log.warning("Reaction event %r dropped: it names no workspace.", event.event_id)
        return None
    return event
