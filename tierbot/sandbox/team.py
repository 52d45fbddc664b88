"""A team: its workspace and the app in it; and all teams that share the app."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tierbot.sandbox.delivery.courier import Courier
from tierbot.sandbox.delivery.faults import Faults
from tierbot.sandbox.delivery.httpevents import HttpTransport
from tierbot.sandbox.delivery.hub import Hub
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.clock import Clock, Timers
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.limits import RateLimits
from tierbot.sandbox.kit.records import Channel, Code, Json, Message, User
from tierbot.sandbox.kit.settings import USER_TOKEN, Settings
from tierbot.sandbox.kit.stream import Stream
from tierbot.sandbox.state.files import Files
from tierbot.sandbox.state.payloads import message_json, reactions_json, user_json
from tierbot.sandbox.state.replies import Replies
from tierbot.sandbox.state.views import Triggers, Views
from tierbot.sandbox.state.workspace import Workspace

_NEEDS_TEAM = frozenset({"users.list", "conversations.list", "users.conversations", "team.info", "bots.info"})
"""Methods that require `team_id` with an organization's token."""


class Team:
    """A workspace with the app; other teams may share that app."""

    def __init__(
        self, settings: Settings | None = None, clock: Clock | None = None, beside: "Team | None" = None
    ) -> None:
        """`beside` is the first team, whose clock, app and transport the others share."""
        self.settings = settings = settings or Settings()
        timings = settings.timings
        place = len(beside.teams.boxes) if beside else 0
        rng = Random(settings.seed + (0 if settings.same_ids else place))  # noqa: S311  (reproducible; not a real secret)
        self.clock: Clock = beside.clock if beside else clock or Clock()
        self.timers: Timers = beside.timers if beside else Timers(self.clock)
        began = beside.mint.counting_from if beside else int(self.clock.time())
        self.mint: Mint = Mint(
            self.clock,
            rng,
            secrets=Random(settings.seed + 1000 * place) if place else None,  # noqa: S311
            counting_from=began if settings.same_ids else None,
        )
        self.panel: Json | None = None
        self.stream = Stream()
        self.faults: Faults = beside.faults if beside else Faults(Random(settings.seed + 1))  # noqa: S311
        self.limits = RateLimits(enabled=settings.limits, history=timings.history)
        self.workspace = Workspace(self.clock, self.mint, settings.team)
        if beside:
            self.workspace.id = f"T0{beside.teams.secrets.getrandbits(32):08X}"
        fresh_id = self.mint.id("A")
        self.app_id: str = beside.app_id if beside else fresh_id
        self.bot: User = self.workspace.add_user(
            settings.bot_name,
            real_name=settings.app_name,
            bot=True,
            user_id=beside.bot.id if beside and settings.org else None,  # one bot for the whole organization
        )
        self.home_channel = self.workspace.add_channel(settings.channel)
        self.workspace.join(self.home_channel.id, self.bot.id)
        self.teams: Teams = beside.teams if beside else Teams(self)
        self.teams.boxes[self.workspace.id] = self
        if beside:
            self.hub: Hub = beside.hub
            self.http: HttpTransport | None = beside.http
        else:
            self.hub = Hub(settings, self.timers, self.mint, rng, self.faults, self.app_id)
            self.http = None
            if settings.request_url:
                self.http = HttpTransport(settings.request_url, settings.signing_secret, self.timers, self.faults)
        self.courier = Courier(self.http or self.hub, self.timers, settings, self.faults)
        self.files = Files(self.clock, self.mint, timings.file_processing, lambda: self.base_url)
        self.triggers = Triggers(self.mint, self.clock.time, timings.trigger)
        self.views = Views(self.workspace, self.app_id, self.bot.bot_id or "")
        self.replies = Replies(self.workspace, self.files, self.bot, timings.response_url)

    @property
    def base_url(self) -> str:
        """The sandbox's base URL."""
        return self.teams.base_url

    @property
    def installed_alone(self) -> bool:
        """Whether the app was installed in this team itself."""
        return any(grant.place == self.workspace.id and not grant.fault for grant in self.teams.grants.values())

    @property
    def installed_org_wide(self) -> bool:
        """Whether the team has the app through its organization's installation."""
        org = self.teams.org
        return org is not None and org.installed and self.workspace.id in org.granted

    @property
    def installed(self) -> bool:
        """Whether the team has the app, through its own installation or its organization's."""
        return self.installed_alone or self.installed_org_wide

    @property
    def enterprise(self) -> Json | None:
        """The team's organization as it appears in payloads."""
        org = self.teams.org
        return {"id": org.id, "name": org.name} if org else None

    @property
    def is_enterprise_install(self) -> bool:
        """Whether the organization's installation, not the team's own, serves this team."""
        return not self.installed_alone and self.installed_org_wide

    def _publish(self, kind: str, change: Json) -> None:
        """Publish a change as JSON on the stream."""
        if kind in {"reaction_added", "reaction_removed"}:
            message = change["message"]
            reacted = {"channel": message.channel, "ts": message.ts, "reactions": reactions_json(message)}
            self.stream.publish(kind, reacted | {key: change[key] for key in ("user", "name", "event_ts")})
            return
        shown: Json = {}
        for key, value in change.items():
            if isinstance(value, Message):
                shown[key] = self.render(value)
                shown["user"] = change.get("user", value.user)
            elif isinstance(value, Channel):
                shown[key] = value.id if "message" in change else self.describe(value)
            elif isinstance(value, User):
                shown[key] = user_json(value, self.workspace.id)
            else:
                shown[key] = value
        self.stream.publish(kind, shown)

    def render(self, message: Message) -> Json:
        """Return a message as the page and the control API show it, with metadata and files."""
        body = self.with_files(message, metadata=True) | {"channel": message.channel}
        return body | ({"visible_to": message.visible_to} if message.visible_to else {})

    def with_files(self, message: Message, *, metadata: bool) -> Json:
        """Return a message with its files, as `conversations.history` does."""
        files = {"files": self.files.of(message)} if message.files else {}
        return message_json(self.workspace, message, metadata=metadata) | files

    def describe(self, channel: Channel) -> Json:
        """Return a channel as the page and the control API show it."""
        return {
            "id": channel.id,
            "name": channel.name,
            "is_private": channel.is_private,
            "is_im": channel.is_im,
            "is_archived": channel.is_archived,
            "members": list(channel.members),
        }

    def find_channel(self, key: str) -> Channel:
        """Return a channel by id or #name. Raises `channel_not_found`."""
        name = key.removeprefix("#")
        for channel in self.workspace.channels.values():
            if channel.id == key or (channel.name and channel.name == name):
                return channel
        raise SlackError("channel_not_found")

    def visible_channel(self, key: str, reader: User) -> Channel:
        """Return a channel that a user can see. Raises `channel_not_found` for a private one they aren't in."""
        channel = self.find_channel(key)
        if (channel.is_private or channel.is_im) and reader.id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def find_user(self, key: str) -> User:
        """Return a user by id, name or @name. Raises `user_not_found`."""
        found = self.workspace.users.get(key)
        if found is not None:
            return found
        name = key.removeprefix("@")
        for user in self.workspace.users.values():
            if user.name == name:
                return user
        raise SlackError("user_not_found")

    def add_colleague(self, name: str, **traits: Any) -> User:
        """Add a user, also to the home channel."""
        user = self.workspace.add_user(name, **traits)
        self.workspace.join(self.home_channel.id, user.id)
        return user

    def permalink(self, message: Message) -> str:
        """Return a message's permalink on the sandbox's page."""
        return f"{self.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"

    def caller(self, token: str) -> User:
        """Return the token's owner: USER_TOKEN and a name belong to that colleague, any other token to the bot."""
        return self.find_user(token.removeprefix(USER_TOKEN)) if token.startswith(USER_TOKEN) else self.bot

    async def close(self) -> None:
        """Stop all background work."""
        for box in self.teams.boxes.values():
            box.stream.close()
            await box.courier.close()
        if self.http is not None:
            await self.http.close()


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


class Teams:
    """All teams of a sandbox by id, in the order of their creation, and the tokens of their app.

    A team's token reaches only that team; an organization's token reaches the teams that granted the app access.
    """

    def __init__(self, first: Team) -> None:
        settings = first.settings
        self.first = first
        self.base_url = settings.public_url or ""
        self.boxes: dict[str, Team] = {}
        self.grants: dict[str, Grant] = {}
        self.codes: dict[str, Code] = {}
        self.rotating = settings.token_rotation
        self.secrets = Random(settings.seed + 2)  # noqa: S311  (reproducible; not a real secret)
        self.org = Org(first.mint.id("E"), settings.org) if settings.org else None
        if settings.installed:
            self.grants[settings.bot_token] = Grant(first.workspace.id)

    def issue(self, place: str) -> str:
        """Return a new bot token for a team or an organization; with token rotation, it is marked as one that expires."""
        digits = self.secrets.randrange(10**12)
        mark = "xoxe." if self.rotating else ""
        token = f"{mark}xoxb-{digits:012d}-{place.lower()}-{self.secrets.getrandbits(96):024x}"
        self.grants[token] = Grant(place)
        return token

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

    def box_of(self, token: str, method: str, args: Args) -> Team:
        """Return the team that a call reaches."""
        grant = self.grants.get(token)
        if grant is None:
            return self.first
        if grant.place in self.boxes:
            return self.boxes[grant.place]
        return self._box_of_org(method, args)

    def _box_of_org(self, method: str, args: Args) -> Team:
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

    def holder(self, what: str, token: str) -> Team:
        """Return the team whose `what` (replies or files) contains a token, or else the first team."""
        stores = ((box, getattr(box, what)) for box in self.boxes.values())
        return next((box for box, store in stores if token in store), self.first)


def _is_about(box: Team, args: Args) -> bool:
    """Return whether a call refers to anything in this team."""
    space = box.workspace
    channels = {args.text("channel"), args.text("channel_id")} - {""}
    users = {args.text("user"), args.text("user_id"), *args.names("users")} - {""}
    known = (channels & set(space.channels)) or (users & set(space.users))
    return (
        bool(known) or box.triggers.knows(args.text("trigger_id")) or box.views.find(args.text("view_id")) is not None
    )
