"""The fast lane: a plain reaction goes from the wire into the ledger without a thread and Bolt's middleware of its own.

Ten thousand reactions an hour are all alike, and most of what an event costs is the way to its listener. The lane takes
only what it is sure of: a well-formed reaction to a message, by a person, in a workspace that is known this moment to
have the app. It refuses nothing: all else, and whatever is in doubt, is left to Bolt, which decides as it always did
(`inbox.py`). The signature was checked before the lane sees a payload, and nobody is told before the commit.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from slack_bolt.request.internals import extract_enterprise_id, extract_team_id
from slack_sdk import WebClient

from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.reactions.inbox import NEEDS, Inbox, Malformed
from tierbot.domain.nouns import ReactionEvent, TierbotError
from tierbot.logs import bound

_log = logging.getLogger(__name__)
_ELSEWHERE = frozenset(
    {"team", "view", "channel"}
)  # other events and interactions have them; Bolt would look there first


class FastLane:
    """Takes plain reactions. Threads and an event loop may share it; it waits for nothing."""

    def __init__(
        self,
        inbox: Inbox,
        known: Callable[[str | None, str | None], Identity | None],
        client: Callable[[str], WebClient],
        executor: Executor,
    ) -> None:
        """`known` says whose bot serves (enterprise, team), None if that has to be asked or nobody does.

        `client` makes a client for a bot's token; what follows an acknowledgement runs in the executor.
        """
        self._inbox = inbox
        self._known = known
        self._client = client
        self._executor = executor
        self._followed: dict[str, list[ReactionEvent]] = {}
        self._following: set[str] = set()
        self._guard = threading.Lock()

    def take(self, payload: Mapping[str, Any], done: Callable[[bool], None]) -> bool:
        """Take a payload of the Events API; False leaves it to Bolt, and then `done` is not called.

        `done` is called once, by another thread: with True after the commit, so that Slack may be told, with False if
        the event is not in the ledger and must come again.
        """
        event = payload.get("event")
        if not isinstance(event, dict) or not _plain(payload, event):
            return False
        try:  # Bolt's own reading of who it is for, so that both ways agree
            team, enterprise = extract_team_id(dict(payload)), extract_enterprise_id(dict(payload))
        except (AttributeError, IndexError, KeyError, TypeError):
            return False
        bot = self._known(enterprise, team) if isinstance(team, str) and team else None
        if bot is None:
            return False
        try:
            vote = self._inbox.vote(payload, bot.team_id, bot.bot_user_id)
        except Malformed:
            return False
        if vote is None:
            return False

        def told(_: bool, fault: BaseException | None) -> None:
            if fault is None:
                self._follow(bot, vote)
            else:
                _report(bot.team_id, vote, fault)
            done(fault is None)

        self._inbox.play.hand_in(bot.team_id, vote, told)
        return True

    def _follow(self, bot: Identity, vote: ReactionEvent) -> None:
        """See to what comes after a vote; votes that come meanwhile are seen to in the same go."""
        workspace = bot.team_id
        self._inbox.play.touched(workspace)
        with self._guard:
            self._followed.setdefault(workspace, []).append(vote)
            if workspace in self._following:
                return
            self._following.add(workspace)
        self._executor.submit(self._after, bot)

    def _after(self, bot: Identity) -> None:
        client = self._client(bot.token)
        while True:
            with self._guard:
                votes = self._followed.pop(bot.team_id, None)
                if votes is None:
                    self._following.discard(bot.team_id)
                    return
            for vote in votes:
                try:
                    self._inbox.after(bot.team_id, vote, client)
                except Exception:  # noqa: BLE001 - the vote is safe, and others are waiting
                    _log.exception("What was to follow a reaction failed.")


def _plain(payload: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    kind = event.get("type")
    known = payload.get("type") == "event_callback" and isinstance(kind, str) and kind in NEEDS.events
    return known and payload.keys().isdisjoint({"user", *_ELSEWHERE}) and event.keys().isdisjoint(_ELSEWHERE)


def _report(workspace: str, vote: ReactionEvent, fault: BaseException) -> None:
    with bound(workspace=workspace, event=vote.event_id):
        if isinstance(fault, TierbotError):
            _log.warning("A reaction is not in the ledger; Slack is to deliver it again: %s", fault)
        else:
            _log.error("A reaction is not in the ledger; Slack is to deliver it again.", exc_info=fault)
