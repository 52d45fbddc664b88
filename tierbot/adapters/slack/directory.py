"""Who is who in a workspace: names to show without pinging anyone, and who is a bot or of another team.

Loaded at most once an hour, after something was acknowledged; no event costs an API call of its own.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from tierbot.adapters.slack.admins import is_stranger
from tierbot.adapters.slack.block_kit.text import clean
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import Clock

NEEDS = Needs(methods={"users.list": ("users:read",)})

_log = logging.getLogger(__name__)
_FRESH = timedelta(hours=1)
_RETRY = timedelta(minutes=5)
_PAGE, _MOST_PAGES = 200, 20  # Slack's advice for a page; as many pages as its rate allows in a minute
_NAME = 40


@dataclass(frozen=True, slots=True)
class _Members:
    until: datetime
    names: Mapping[str, str] = field(default_factory=dict)
    outsiders: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()


class Directory:
    """Names and outsiders, by workspace. Knows nothing until `keep_fresh` was called; never raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._members: dict[str, _Members] = {}
        self._loading = threading.Lock()

    def name(self, workspace: str, user: str) -> str | None:
        """Return the name that a user goes by, one clean line, or None if it is not known."""
        known = self._members.get(workspace)
        return known.names.get(user) if known else None

    def is_outsider(self, workspace: str, user: str) -> bool | None:
        """Say whether a user is a bot, or of another team in a channel that the two share; None if nobody listed them."""
        known = self._members.get(workspace)
        return user in known.outsiders if known is not None and user in known.listed else None

    def keep_fresh(self, workspace: str, client: WebClient) -> None:
        """Load the members if that is due and nobody else is at it; what was known stays if Slack refuses."""
        now = self._clock.now()
        known = self._members.get(workspace)
        if (known and known.until > now) or not self._loading.acquire(blocking=False):
            return
        try:
            found = _load(client, workspace)
            self._members[workspace] = _sorted_out(found, workspace, now + _FRESH)
        except TierbotError as fault:
            _log.warning("The workspace's members could not be listed; names are shown as mentions. %s", fault)
            before = known or _Members(now)
            self._members[workspace] = replace(before, until=now + _RETRY)
        finally:
            self._loading.release()


def _load(client: WebClient, workspace: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    cursor = ""
    # An organisation's token must say which workspace it means; a workspace's own may.
    asked = {"limit": _PAGE, "team_id": workspace}
    for _ in range(_MOST_PAGES):
        page = call("users.list", client.users_list, **asked, **({"cursor": cursor} if cursor else {}))
        found += page.get("members") or []
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return found


def _sorted_out(members: list[Mapping[str, Any]], workspace: str, until: datetime) -> _Members:
    names = {str(member["id"]): _name(member) for member in members}
    outsiders = frozenset(
        str(member["id"]) for member in members if member.get("is_bot") or is_stranger(member, workspace)
    )
    return _Members(until, {user: name for user, name in names.items() if name}, outsiders, frozenset(names))


def _name(member: Mapping[str, Any]) -> str:
    profile = member.get("profile") or {}
    shown = profile.get("display_name") or profile.get("real_name") or member.get("real_name") or member.get("name")
    return clean(str(shown or ""), _NAME)
