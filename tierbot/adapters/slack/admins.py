"""Who may do what: admins by an allow-list, else by Slack's own word (remembered for some minutes)."""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient

from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, Clock, RateLimitedError

NEEDS = Needs(methods={"users.info": ("users:read",), "users.list": ("users:read",)})
_REMEMBERED = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000
_PAGE, _MOST_PAGES = 200, 20


class Admins:
    """Answers whether someone is an admin of tierbot in a workspace.

    With an allow-list only it counts; without one, Slack's admins and owners are tierbot's, and who installed it.
    """

    def __init__(
        self,
        allowed: Collection[str],
        clock: Clock,
        installers: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        """`installers` tells of a workspace who installed the app there."""
        self._allowed = frozenset(allowed)
        self._clock = clock
        self._installers = installers
        self._known: dict[tuple[str, str], tuple[datetime, bool]] = {}
        self._lock = threading.Lock()

    def has(self, workspace: str, user: str, client: WebClient) -> bool:
        """Say whether `user` is an admin; asks Slack at most once in five minutes per person.

        Raises TierbotError if there is no allow-list and Slack does not tell.
        """
        if self._allowed:
            return user in self._allowed
        now = self._clock.now()
        with self._lock:
            known = self._known.get((workspace, user))
        if known and known[0] > now:
            return known[1]
        answer = _asked(user, workspace, client) or user in self._installers(workspace)
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[workspace, user] = (now + _REMEMBERED, answer)
        return answer


def list_admins(client: WebClient, workspace: str) -> list[str]:
    """Return the user ids of Slack's own admins and owners, among the first few thousand members.

    Raises TierbotError if Slack does not list them.
    """
    found: list[str] = []
    cursor = ""
    for _ in range(_MOST_PAGES):
        asked = {"limit": _PAGE, "team_id": workspace} | ({"cursor": cursor} if cursor else {})
        page = call("users.list", client.users_list, **asked)
        members = page.get("members") or []
        found += [str(one["id"]) for one in members if _is_admin(one) and not is_stranger(one, workspace)]
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return found


def _asked(user: str, workspace: str, client: WebClient) -> bool:
    try:
        found = call("users.info", client.users_info, user=user).get("user") or {}
    except ChatError as fault:
        if fault.code == "user_not_found":
            return False
        raise TierbotError(
            f"I could not ask Slack whether you are an admin. {fault} Or list the admins' user ids in TIERBOT_ADMINS."
        ) from fault
    except RateLimitedError as fault:
        raise TierbotError(
            f"Slack is busy; please try again in {fault.retry_after:.0f} s. (Or list the admins in TIERBOT_ADMINS.)"
        ) from fault
    return _is_admin(found) and not is_stranger(found, workspace)


def is_stranger(member: Mapping[str, Any], workspace: str) -> bool:
    """Say whether a member is of another team, in a channel that the two share (Slack Connect)."""
    home = member.get("team_id")
    teams = (member.get("enterprise_user") or {}).get("teams") or ()
    return bool(member.get("is_stranger")) or (home is not None and home != workspace and workspace not in teams)


def _is_admin(member: Mapping[str, Any]) -> bool:
    outsider = any(member.get(trait) for trait in ("is_bot", "deleted", "is_restricted", "is_ultra_restricted"))
    return not outsider and bool(member.get("is_admin") or member.get("is_owner") or member.get("is_primary_owner"))
