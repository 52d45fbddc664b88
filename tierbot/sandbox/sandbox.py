"""One sandbox, put together: the workspace, the app installed in it, and the ways between them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from tierbot.sandbox.api.chat import checked_blocks, fill_ids
from tierbot.sandbox.appevents import AppEvents
from tierbot.sandbox.clock import Clock, Timers
from tierbot.sandbox.courier import Courier, Transport
from tierbot.sandbox.errors import SlackError
from tierbot.sandbox.faults import Faults
from tierbot.sandbox.files import Files
from tierbot.sandbox.hub import Hub
from tierbot.sandbox.ids import Mint
from tierbot.sandbox.interactions import Interactions
from tierbot.sandbox.limits import Limits
from tierbot.sandbox.payloads import message_json, reactions_json, user_json
from tierbot.sandbox.records import Channel, Json, Message, User
from tierbot.sandbox.replies import Replies
from tierbot.sandbox.settings import USER_TOKEN, Settings
from tierbot.sandbox.stream import Stream
from tierbot.sandbox.views import Triggers, Views
from tierbot.sandbox.workspace import Workspace

if TYPE_CHECKING:
    from tierbot.sandbox.httpevents import HttpTransport


class Sandbox:
    """A workspace with one app in it."""

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings = settings or Settings()
        rng = Random(settings.seed)  # noqa: S311  (repeatable, and no secret)
        self.clock = clock or Clock()
        self.timers = Timers(self.clock)
        self.mint = Mint(self.clock, rng)
        self.base_url = settings.public_url or ""
        self.panel: Json | None = None
        self.token_revoked = False
        self.stream = Stream()
        self.faults = Faults(Random(settings.seed + 1))  # noqa: S311
        self.limits = Limits(enabled=settings.limits)
        self.workspace = Workspace(
            self.clock,
            self.mint,
            settings.team,
            max_emoji=settings.max_emoji,
            max_reactions=settings.max_reactions,
        )
        self.app_id = self.mint.id("A")
        self.bot = self.workspace.add_user(settings.bot_name, real_name=settings.app_name, bot=True)
        self.home_channel = self.workspace.add_channel(settings.channel)
        self.workspace.join(self.home_channel.id, self.bot.id)
        self._connect(rng)

    def _connect(self, rng: Random) -> None:
        settings, timings = self.settings, self.settings.timings
        self.hub = Hub(settings, self.timers, self.mint, rng, self.faults)
        self.hub.base_url = lambda: self.base_url
        self.hub.app_id = self.app_id
        transport: Transport = self.hub
        self.http: HttpTransport | None = None
        if settings.request_url:
            from tierbot.sandbox.httpevents import HttpTransport  # noqa: PLC0415  (httpx is a third of the start)

            self.http = HttpTransport(settings.request_url, settings.signing_secret, self.clock, self.faults)
            transport = self.http
        self.courier = Courier(transport, self.timers, timings, self.faults, limited=settings.limits)
        self.files = Files(self.clock, self.mint, timings.file_processing, lambda: self.base_url)
        self.triggers = Triggers(self.mint, self.clock.time, timings.trigger)
        self.views = Views(self.workspace, self.app_id, self.bot.bot_id or "", lambda block: fill_ids(self, block))
        self.replies = Replies(
            self.workspace, self.mint, self.bot, timings.response_url, lambda blocks: checked_blocks(self, blocks)
        )
        self.events = AppEvents(self.workspace, self.app_id, self.bot, settings.events, self.courier.event)
        self.interactions = Interactions(self)
        self.workspace.listen(self._publish)

    def _publish(self, kind: str, change: Json) -> None:
        """Put a change on the stream, in JSON."""
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
        """Return a message as the page and the control API show it: all that Slack knows of it."""
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

    def find_channel(self, wanted: str) -> Channel:
        """Return a channel by id or #name, or raise `channel_not_found`."""
        name = wanted.removeprefix("#")
        for channel in self.workspace.channels.values():
            if channel.id == wanted or (channel.name and channel.name == name):
                return channel
        raise SlackError("channel_not_found")

    def find_user(self, wanted: str) -> User:
        """Return a user by id, name or @name, or raise `user_not_found`."""
        found = self.workspace.users.get(wanted)
        if found is not None:
            return found
        name = wanted.removeprefix("@")
        for user in self.workspace.users.values():
            if user.name == name:
                return user
        raise SlackError("user_not_found")

    def add_colleague(self, name: str, **traits: Any) -> User:
        """Add a user and let them into the home channel."""
        user = self.workspace.add_user(name, **traits)
        self.workspace.join(self.home_channel.id, user.id)
        return user

    def permalink(self, message: Message) -> str:
        """Return a message's address, which is on the sandbox's page."""
        return f"{self.base_url}/archives/{message.channel}/p{message.ts.replace('.', '')}"

    def caller(self, token: str) -> User:
        """Return whose token this is: a colleague's is USER_TOKEN followed by their name, any other the bot's."""
        return self.find_user(token.removeprefix(USER_TOKEN)) if token.startswith(USER_TOKEN) else self.bot

    def need_scope(self, scope: str) -> None:
        """Raise `missing_scope` unless the app has the scope."""
        if scope not in self.settings.scopes:
            provided = ",".join(sorted(self.settings.scopes))
            raise SlackError("missing_scope", needed=scope, provided=provided)

    def revoke_token(self) -> None:
        """Make the bot's token useless, and tell the app."""
        self.token_revoked = True
        self.events.send({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.bot.id]}})

    def restore_token(self) -> None:
        """Make the bot's token good again, as a new installation would."""
        self.token_revoked = False

    def uninstall(self) -> None:
        """Remove the app from the workspace: its token dies, and it is told so."""
        self.revoke_token()
        self.events.send({"type": "app_uninstalled"})

    def set_panel(self, panel: Json) -> None:
        """Keep the bot's own account of what it learned, and show it on the page."""
        self.panel = panel
        self.stream.publish("panel", {"panel": panel})

    async def close(self) -> None:
        """Stop everything that runs in the background."""
        self.stream.close()
        await self.courier.close()
        if self.http is not None:
            await self.http.close()
