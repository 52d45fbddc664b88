"""A workspace's members: names to show without pinging anyone.

The list is loaded once an hour, always after an acknowledgment; no event costs an extra API call.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.calls import entries
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import Clock

NEEDS = Needs(methods={"users.list": ("users:read",)})

_log = logging.getLogger(__name__)
_FRESH, _RETRY = 3600.0, 300.0  # seconds
_MOST_PAGES = 20  # as many as Slack's rate limit allows in a minute
_NAME = 40


@dataclass(frozen=True, slots=True)
class _Members:
    until: float  # by the monotonic clock
    names: Mapping[str, str] = field(default_factory=dict)  # empty if a member has none


class Directory:
    """Names by workspace; empty until the first `keep_fresh`. Never raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._members: dict[str, _Members] = {}
        self._loading = threading.Lock()

    def name(self, workspace: str, user: str) -> str | None:
        """Return a user's display name, one clean line, or None if unknown."""
        known = self._members.get(workspace)
        return (known.names.get(user) or None) if known else None

    def named(self, workspace: str, user: str) -> str:
        """Return a user's name as mrkdwn, or a mention if the name is unknown."""
        name = self.name(workspace, user)
        return f"*{mrkdwn(name)}*" if name else person(user)

    def keep_fresh(self, workspace: str, client: WebClient) -> None:
        """Load the members if due and no other thread is loading them; keep the old list if Slack refuses."""
        now = self._clock.monotonic()
        known = self._members.get(workspace)
        if (known and known.until > now) or not self._loading.acquire(blocking=False):
            return
        try:
            # An organization's token needs team_id; a workspace's own accepts it.
            found = entries(client.users_list, "members", _MOST_PAGES, team_id=workspace)
            self._members[workspace] = _Members(now + _FRESH, {str(one["id"]): _name(one) for one in found})
        except TierbotError as fault:
            _log.warning("Could not list the workspace's members; showing mentions instead of names. %s", fault)
            before = known or _Members(now)
            self._members[workspace] = replace(before, until=now + _RETRY)
        finally:
            self._loading.release()


def _name(member: Mapping[str, Any]) -> str:
    profile = member.get("profile") or {}
    shown = profile.get("display_name") or profile.get("real_name") or member.get("real_name") or member.get("name")
    return clean(str(shown or ""), _NAME)
