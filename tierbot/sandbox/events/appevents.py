"""Turn changes of the workspace into Events API callbacks, if the app subscribed to them."""

from collections.abc import Callable

from tierbot.sandbox.delivery.courier import Courier
from tierbot.sandbox.kit.records import Channel, Json, Message
from tierbot.sandbox.state.payloads import message_json
from tierbot.sandbox.team import Team


class AppEvents:
    """Listen to the workspace and pass callbacks to the courier."""

    def __init__(self, box: Team, events: frozenset[str], courier: Courier) -> None:
        self._box = box
        self._workspace = box.workspace
        self._bot = box.bot
        self._events = events
        self._courier = courier
        self._handlers: dict[str, Callable[[str, Json], None]] = {
            "reaction_added": self._reaction,
            "reaction_removed": self._reaction,
            "message": self._message,
            "message_changed": self._changed,
            "message_deleted": self._deleted,
            "member_joined": self._member,
            "member_left": self._member,
            "archived": self._archived,
            "unarchived": self._archived,
            "deleted": self._gone,
            "renamed": self._renamed,
            "id_changed": self._id_changed,
            "emoji_changed": self._emoji,
        }
        self._workspace.listen(self._hear)

    def _hear(self, kind: str, change: Json) -> None:
        # No event leaves a channel that the bot isn't in, except about its own coming and going.
        channel, user = change.get("channel"), change.get("user")
        unseen = channel is not None and self._bot.id not in channel.members and user is not self._bot
        if unseen and kind in self._events:
            self._courier.not_sent(kind, str(change.get("event_ts", "")), "not_in_channel")
        elif kind in self._handlers and not unseen:
            self._handlers[kind](kind, change)

    def send(self, event: Json, subscription: str | None = None, *, of_org: bool = False) -> None:
        """Deliver an event if the app subscribed to it. `of_org`: it is about the organization's installation."""
        if (subscription or event["type"]) not in self._events:
            return
        if of_org or self._box.installed:
            self._courier.event(self._callback(event, of_org=of_org))
        else:
            self._courier.not_sent(event["type"], str(event.get("event_ts", "")), "not_installed")

    def end(self, place: str, fault: str, *others: Json) -> None:
        """Kill the tokens of a place and send the events, which describe the installation before it ended."""
        revoked: Json = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self._bot.id]}}
        of_org = place != self._workspace.id
        ended = [event for event in (revoked, *others) if event["type"] in self._events]
        callbacks = [self._callback(event, of_org=of_org) for event in ended]
        self._box.teams.kill(place, fault)
        for callback in callbacks:
            self._courier.event(callback)

    def _callback(self, event: Json, *, of_org: bool) -> Json:
        box, space = self._box, self._workspace
        enterprise_id = box.enterprise["id"] if box.enterprise else None
        authorization = {
            "enterprise_id": enterprise_id,
            "user_id": self._bot.id,
            "is_bot": True,
            "is_enterprise_install": of_org or box.is_enterprise_install,
        }
        if not of_org and (box.installed_alone or not enterprise_id):
            authorization["team_id"] = space.id
        return {
            "token": "sandbox",
            "team_id": None if of_org else space.id,
            **({"enterprise_id": enterprise_id} if enterprise_id else {}),
            "context_team_id": None if of_org else space.id,
            "context_enterprise_id": enterprise_id,
            "api_app_id": box.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": space.mint.id("Ev"),
            "event_time": int(space.clock.time()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": space.mint.hex(16),
        }

    def home_opened(self, user: str, tab: str, view: Json | None) -> None:
        """Notify the app that a user opened its home."""
        channel = self._workspace.direct(self._bot.id, user)
        event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
        event["event_ts"] = self._workspace.mint.ts()
        if view is not None:
            event["view"] = view
        self.send(event)

    def _reaction(self, kind: str, change: Json) -> None:
        message: Message = change["message"]
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"type": kind, "user": change["user"], "reaction": change["name"], "item": item}
        reactor = self._box.find_user(change["user"])
        home = {"user_team": reactor.home} if reactor.names_home else {}
        self.send({**event, **home, "item_user": message.user, "event_ts": change["event_ts"]})

    def _message(self, _: str, change: Json) -> None:
        channel, message = change["channel"], change["message"]
        event = message_json(self._workspace, message)
        event |= {"channel": channel.id, "event_ts": message.ts}
        self._send_message(channel, event)
        if f"<@{self._bot.id}>" in message.text:
            self.send({**event, "type": "app_mention"})

    def _changed(self, kind: str, change: Json) -> None:
        channel, message = change["channel"], change["message"]
        event = {"type": "message", "subtype": kind, "channel": channel.id, "hidden": True}
        event |= {"message": message_json(self._workspace, message), "ts": message.edited_ts}
        self._send_message(channel, {**event, "event_ts": message.edited_ts})

    def _deleted(self, kind: str, change: Json) -> None:
        channel, ts = change["channel"], self._workspace.mint.ts()
        event = {"type": "message", "subtype": kind, "channel": channel.id, "hidden": True}
        self._send_message(channel, {**event, "deleted_ts": change["message"].ts, "ts": ts, "event_ts": ts})

    def _send_message(self, channel: Channel, event: Json) -> None:
        kind, plural = "channel", "channels"
        if channel.is_im:
            kind = plural = "im"
        elif channel.is_private:
            kind, plural = "group", "groups"
        self.send({**event, "channel_type": kind}, f"message.{plural}")

    def _member(self, kind: str, change: Json) -> None:
        channel, user = change["channel"], change["user"]
        event = {"type": f"{kind}_channel", "user": user.id, "channel": channel.id, "team": self._workspace.id}
        event |= {"channel_type": "G" if channel.is_private else "C", "event_ts": self._workspace.mint.ts()}
        self.send(event)
        if kind == "member_left" and user is self._bot:
            self._send_of_channel("left", channel, actor_id=self._admin())

    def _archived(self, kind: str, change: Json) -> None:
        self._send_of_channel(kind.removesuffix("d"), change["channel"], user=self._admin())

    def _gone(self, kind: str, change: Json) -> None:
        self._send_of_channel(kind, change["channel"], actor_id=self._admin())

    def _renamed(self, _: str, change: Json) -> None:
        channel: Channel = change["channel"]
        named = {"id": channel.id, "name": channel.name, "name_normalized": channel.name, "created": channel.created}
        self._send_of_channel("rename", channel, channel=named)

    def _id_changed(self, _: str, change: Json) -> None:
        ids = {"old_channel_id": change["old"], "new_channel_id": change["channel"].id}
        self.send({"type": "channel_id_changed", **ids, "event_ts": self._workspace.mint.ts()})

    def _send_of_channel(self, what: str, channel: Channel, /, **more: object) -> None:
        """Send an event about a channel; one about a private channel has a name of its own."""
        kind = f"{'group' if channel.is_private else 'channel'}_{what}"
        self.send({"type": kind, "channel": channel.id, "event_ts": self._workspace.mint.ts(), **more})

    def _admin(self) -> str:
        """Return the id of someone who may change channels."""
        return next((user.id for user in self._workspace.users.values() if user.is_admin), "USLACKBOT")

    def _emoji(self, kind: str, change: Json) -> None:
        event: Json = {"type": kind, "event_ts": self._workspace.mint.ts()}
        if change["url"] is None:
            self.send({**event, "subtype": "remove", "names": [change["name"]]})
        else:
            self.send({**event, "subtype": "add", "name": change["name"], "value": change["url"]})
