"""Who may run `/tier`: the users on an allow-list, or else Slack's admins and those who installed the app.

Slack's answer is cached for five minutes.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient

from tierbot.adapters.slack.cache import Cache
from tierbot.adapters.slack.calls import call, entries
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Clock, RateLimitedError

NEEDS = Needs(methods={"users.info": ("users:read",), "users.list": ("users:read",)})
_MOST_PAGES = 20


class Admins:
    """Decides whether a user is an admin of tierbot in a workspace. If there is an allow-list, nothing else counts."""

    def __init__(
        self,
        allowed: Collection[str],
        clock: Clock,
        installers: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        """`installers` returns the users who installed the app in a workspace."""
        self._allowed = frozenset(allowed)
        self._installers = installers
        self._known: Cache[tuple[str, str], bool] = Cache(clock, timedelta(minutes=5))

    def has(self, workspace: str, user: str, client: WebClient) -> bool:
        """Return whether `user` is an admin. Raises TierbotError if there is no allow-list and Slack doesn't answer."""
        if self._allowed:
            return user in self._allowed

        def look_up() -> bool:
            return _is_slack_admin(user, workspace, client) or user in self._installers(workspace)

        return self._known.get((workspace, user), look_up)


def list_admins(client: WebClient, workspace: str) -> list[str]:
    """Return Slack's admins and owners, among the first 4,000 members. Raises TierbotError if Slack refuses."""
    members = entries(client.users_list, "members", _MOST_PAGES, team_id=workspace)
    return [str(one["id"]) for one in members if _is_admin(one) and not is_stranger(one, workspace)]


def _is_slack_admin(user: str, workspace: str, client: WebClient) -> bool:
    try:
        found = call(client.users_info, user=user).get("user") or {}
    except ChatError as fault:
        if fault.code == "user_not_found":
            return False
        raise TierbotError(
            f"I couldn't check with Slack whether you're an admin. {fault} "
            "You can also list the admins' user ids in TIERBOT_ADMINS."
        ) from fault
    except RateLimitedError as fault:
        raise TierbotError(
            f"Slack is busy; please try again in {fault.retry_after:.0f} s, or list the admins in TIERBOT_ADMINS."
        ) from fault
    return _is_admin(found) and not is_stranger(found, workspace)


def is_stranger(member: Mapping[str, Any], workspace: str) -> bool:
    """Return whether a member belongs to another team that shares a channel with this one (Slack Connect)."""
    home = member.get("team_id")
    teams = (member.get("enterprise_user") or {}).get("teams") or ()
    return bool(member.get("is_stranger")) or (home is not None and home != workspace and workspace not in teams)


def _is_admin(member: Mapping[str, Any]) -> bool:
    outsider = any(member.get(trait) for trait in ("is_bot", "deleted", "is_restricted", "is_ultra_restricted"))
    return not outsider and bool(member.get("is_admin") or member.get("is_owner") or member.get("is_primary_owner"))
