"""A team: its workspace, its app, and the connection between them."""

from random import Random
from typing import Any

from tierbot.sandbox.delivery.courier import Courier, Transport
from tierbot.sandbox.delivery.faults import Faults
from tierbot.sandbox.delivery.httpevents import HttpTransport
from tierbot.sandbox.delivery.hub import Hub
from tierbot.sandbox.kit.clock import Clock, Timers
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.limits import RateLimits
from tierbot.sandbox.kit.records import Channel, Json, Message, User
from tierbot.sandbox.kit.settings import USER_TOKEN, Settings
from tierbot.sandbox.kit.stream import Stream
from tierbot.sandbox.state.codes import Codes
from tierbot.sandbox.state.files import Files
from tierbot.sandbox.state.filling import checked_blocks, fill_ids
from tierbot.sandbox.state.payloads import message_json, reactions_json, user_json
from tierbot.sandbox.state.replies import Replies
from tierbot.sandbox.state.teams import Teams
from tierbot.sandbox.state.views import Triggers, Views
from tierbot.sandbox.state.workspace import Workspace


class Team:
    """A workspace with the app; other teams may share that app (see teams.py)."""

    def __init__(
        self, settings: Settings | None = None, clock: Clock | None = None, beside: "Team | None" = None
    ) -> None:
        """`beside` is the first team, whose clock, app and transport the others share."""
        self.settings = settings = settings or Settings()
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
        self.limits = RateLimits(enabled=settings.limits)
        self.workspace = Workspace(
            self.clock,
            self.mint,
            settings.team,
            max_emoji=settings.max_emoji,
            max_reactions=settings.max_reactions,
        )
        if beside:
            self.workspace.id = f"T0{beside.teams.secrets.getrandbits(32):08X}"
        self.app_id = self.mint.id("A")
        self.bot: User = self.workspace.add_user(
            settings.bot_name,
            real_name=settings.app_name,
            bot=True,
            user_id=beside.bot.id if beside and settings.org else None,  # one bot for the whole organization
        )
        self.home_channel = self.workspace.add_channel(settings.channel)
        self.workspace.join(self.home_channel.id, self.bot.id)
        self.teams: Teams[Team] = beside.teams if beside else Teams(self)
        self.codes: Codes = beside.codes if beside else Codes(self.clock)
        if beside:
            self.app_id = beside.app_id
            self.teams.add(self)
        self._connect(rng, beside)

    @property
    def base_url(self) -> str:
        """The sandbox's base URL."""
        return self._base_url if self.teams.first is self else self.teams.first.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._base_url = url

    def _connect(self, rng: Random, beside: "Team | None") -> None:
        settings, timings = self.settings, self.settings.timings
        self._base_url = settings.public_url or ""
        self.hub: Hub = beside.hub if beside else Hub(settings, self.timers, self.mint, rng, self.faults)
        if beside is None:
            self.hub.base_url = lambda: self.base_url
            self.hub.app_id = self.app_id
        transport: Transport = self.hub
        self.http: HttpTransport | None = beside.http if beside else None
        if settings.request_url and self.http is None:
            self.http = HttpTransport(settings.request_url, settings.signing_secret, self.timers, self.faults)
        if self.http is not None:
            transport = self.http
        self.courier = Courier(transport, self.timers, timings, self.faults, limited=settings.limits)
        self.files = Files(self.clock, self.mint, timings.file_processing, lambda: self.base_url)
        self.triggers = Triggers(self.mint, self.clock.time, timings.trigger)
        self.views = Views(self.workspace, self.app_id, self.bot.bot_id or "", lambda block: fill_ids(self.mint, block))
        self.replies = Replies(
            self.workspace,
            self.mint,
            self.bot,
            timings.response_url,
            lambda blocks: checked_blocks(self.files, self.mint, blocks),
        )

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
        body = message_json(self.workspace, message, metadata=True) | {"channel": message.channel}
        if message.files:
            body["files"] = self.files.of(message)
        if message.visible_to:
            body["visible_to"] = message.visible_to
        return body

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

    def need_scope(self, scope: str) -> None:
        """Raise `missing_scope` unless the app has the scope."""
        if scope not in self.settings.scopes:
            provided = ",".join(sorted(self.settings.scopes))
            raise SlackError("missing_scope", needed=scope, provided=provided)

    @property
    def token_revoked(self) -> bool:
        """Whether the app's token for this team is dead."""
        return not self.teams.installed(self)

    def set_panel(self, panel: Json) -> None:
        """Store what the bot reports about its learning, and show it on the page."""
        self.panel = panel
        self.stream.publish("panel", {"panel": panel})

    async def close(self) -> None:
        """Stop all background work."""
        for box in self.teams.boxes.values():
            box.stream.close()
            await box.courier.close()
        if self.http is not None:
            await self.http.close()
