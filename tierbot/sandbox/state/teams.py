"""The teams of a sandbox, the one app that they can install, and its tokens.

A team's token reaches only that team; an organization's token reaches the teams that granted the app access.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, Protocol, TypeVar

from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.records import User
from tierbot.sandbox.kit.settings import Settings
from tierbot.sandbox.state.views import Triggers, Views
from tierbot.sandbox.state.workspace import Workspace

_NEEDS_TEAM = frozenset({"users.list", "conversations.list", "users.conversations", "team.info", "bots.info"})
"""Methods that require `team_id` with an organization's token."""

REVOKED, UNINSTALLED = "token_revoked", "account_inactive"


@dataclass(slots=True)
class Org:
    """An organization (Enterprise Grid), and the teams its installation may reach."""

    id: str
    name: str
    granted: set[str] = field(default_factory=set)
    installed: bool = False


@dataclass(slots=True)
class Grant:
    """A bot token of a team or an organization (`place`). `fault`: Slack's error once the token is dead."""

    place: str
    fault: str | None = None


class Member(Protocol):
    """What `Teams` needs of a team."""

    settings: Settings
    workspace: Workspace
    mint: Mint
    bot: User
    triggers: Triggers
    views: Views


T = TypeVar("T", bound=Member)


class Teams(Generic[T]):
    """All teams of a sandbox by id, in the order of their creation."""

    def __init__(self, first: T) -> None:
        settings = first.settings
        self.first = first
        self.boxes: dict[str, T] = {first.workspace.id: first}
        self.grants: dict[str, Grant] = {}
        self.secrets = Random(settings.seed + 2)  # noqa: S311  (reproducible; not a real secret)
        self.org = Org(first.mint.id("E"), settings.org) if settings.org else None
        if settings.installed:
            self.grants[settings.bot_token] = Grant(first.workspace.id)

    def add(self, box: T) -> None:
        """Add a team."""
        self.boxes[box.workspace.id] = box

    # Tokens

    def issue(self, place: str) -> str:
        """Return a new bot token for a team or an organization."""
        digits = self.secrets.randrange(10**12)
        token = f"xoxb-{digits:012d}-{place.lower()}-{self.secrets.getrandbits(96):024x}"
        self.grants[token] = Grant(place)
        return token

    def installed(self, box: T) -> bool:
        """Return whether a team has the app, through its own installation or its organization's."""
        return self.installed_alone(box) or self.org_wide(box)

    def installed_alone(self, box: T) -> bool:
        """Return whether the app was installed in this team itself."""
        return any(grant.place == box.workspace.id and grant.fault is None for grant in self.grants.values())

    def org_wide(self, box: T) -> bool:
        """Return whether a team has the app through its organization's installation."""
        org = self.org
        return org is not None and org.installed and box.workspace.id in org.granted

    def kill(self, place: str, fault: str) -> None:
        """Revoke a place's tokens."""
        for grant in self.grants.values():
            if grant.place == place and grant.fault is None:
                grant.fault = fault
        if self.org is not None and place == self.org.id:
            self.org.installed = False

    def restore(self, place: str) -> None:
        """Make dead tokens valid again: a shortcut for tests that Slack doesn't have."""
        for grant in self.grants.values():
            if grant.place == place:
                grant.fault = None

    def grant_of(self, token: str) -> Grant | None:
        """Return a bot token's grant, or None if it isn't one. Raises Slack's error for a dead token."""
        grant = self.grants.get(token)
        if grant is not None and grant.fault is not None:
            raise SlackError(grant.fault)
        return grant

    # Which team a call is about

    def box_of(self, token: str, method: str, args: Args) -> T:
        """Return the team that a call reaches."""
        grant = self.grants.get(token)
        if grant is None:
            return self.first
        if grant.place in self.boxes:
            return self.boxes[grant.place]
        return self._box_of_org(method, args)

    def _box_of_org(self, method: str, args: Args) -> T:
        org = self.org
        reached = [box for team, box in self.boxes.items() if org is not None and team in org.granted]
        if team_id := args.text("team_id"):
            found = [box for box in reached if box.workspace.id == team_id]
            if not found:
                raise SlackError("team_access_not_granted")
            return found[0]
        if method in _NEEDS_TEAM:
            raise SlackError("missing_argument", messages=["[ERROR] missing required field: team_id"])
        if not reached and not method.startswith("auth."):
            raise SlackError("channel_not_found" if "channel" in args else "team_access_not_granted")
        return next((box for box in reached if _is_about(box, args)), (reached or [self.first])[0])

    def holder(self, what: str, token: str) -> T:
        """Return the team whose `what` (replies or files) contains a token, or else the first team."""
        stores = ((box, getattr(box, what)) for box in self.boxes.values())
        return next((box for box, store in stores if token in store), self.first)

    # What events and payloads say

    def enterprise(self, box: T) -> dict[str, Any] | None:
        """Return a team's organization as it appears in payloads."""
        return {"id": self.org.id, "name": self.org.name} if self.org and box.workspace.id in self.boxes else None

    def authorization(self, box: T) -> dict[str, Any]:
        """Return the installation that an event is for; an organization-wide one has no team."""
        alone = self.installed_alone(box)
        return {
            "enterprise_id": self.org.id if self.org else None,
            **({"team_id": box.workspace.id} if alone or not self.org else {}),
            "user_id": box.bot.id,
            "is_bot": True,
            "is_enterprise_install": not alone and self.org_wide(box),
        }


def _is_about(box: Member, args: Args) -> bool:
    """Return whether a call refers to anything in this team."""
    space = box.workspace
    channels = {args.text("channel"), args.text("channel_id")} - {""}
    users = {args.text("user"), args.text("user_id"), *args.names("users")} - {""}
    known = (channels & set(space.channels)) or (users & set(space.users))
    return (
        bool(known) or box.triggers.knows(args.text("trigger_id")) or box.views.find(args.text("view_id")) is not None
    )
