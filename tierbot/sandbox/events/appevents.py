"""Turn changes of the workspace into Events API callbacks, if the app subscribed to them."""

from collections.abc import Callable

from tierbot.sandbox.kit.records import Channel, Json, Message
from tierbot.sandbox.state.payloads import message_json
from tierbot.sandbox.team import Team


class AppEvents:
    """Listen to the workspace and pass callbacks to `deliver`."""

    def __init__(self, box: Team, events: frozenset[str], deliver: Callable[[Json], None]) -> None:
        self._box = box
        self._workspace = box.workspace
        self._bot = box.bot
        self._events = events
        self._deliver = deliver
        self._handlers: dict[str, Callable[[Json], None]] = {
            "reaction_added": self._reaction,
            "reaction_removed": self._reaction,
            "message": self._message,
            "message_changed": self._changed,
            "message_deleted": self._deleted,
            "member_joined": lambda change: self._member("member_joined_channel", change),
            "member_left": lambda change: self._member("member_left_channel", change),
            "emoji_changed": self._emoji,
        }
        self._workspace.listen(self.hear)

    def hear(self, kind: str, change: Json) -> None:
        """Handle one change."""
        handler = self._handlers.get(kind)
        if handler is not None:
            handler({"kind": kind, **change})

    def send(self, event: Json, subscription: str | None = None) -> None:
        """Wrap an event in its callback and deliver it, if the app subscribed to it."""
        if (subscription or event["type"]) in self._events and self._box.teams.installed(self._box):
            self._deliver(self._callback(event))

    def end(self, revoked: Json, fault: str, *others: Json, place: str | None = None) -> None:
        """Kill a place's token and send the events, which describe the installation before it ended."""
        box = self._box
        place = place or self._workspace.id
        of_org = place != self._workspace.id
        callbacks = [
            self._callback_of_org(event) if of_org else self._callback(event)
            for event in (revoked, *others)
            if event["type"] in self._events
        ]
        box.teams.kill(place, fault)
        for callback in callbacks:
            self._deliver(callback)

    def send_of_org(self, event: Json) -> None:
        """Deliver an event about the whole organization's installation."""
        if event["type"] in self._events:
            self._deliver(self._callback_of_org(event))

    def _callback_of_org(self, event: Json) -> Json:
        org = self._box.teams.org
        named = {"enterprise_id": org.id if org else None}
        authorization = {**named, "user_id": self._bot.id, "is_bot": True, "is_enterprise_install": True}
        return self._callback(event) | {
            **named,
            "team_id": None,
            "context_team_id": None,
            "authorizations": [authorization],
        }

    def _callback(self, event: Json) -> Json:
        space, teams = self._workspace, self._box.teams
        enterprise = teams.enterprise(self._box)
        return {
            "token": "sandbox",
            "team_id": space.id,
            **({"enterprise_id": enterprise["id"]} if enterprise else {}),
            "context_team_id": space.id,
            "context_enterprise_id": enterprise["id"] if enterprise else None,
            "api_app_id": self._box.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": space.mint.id("Ev"),
            "event_time": int(space.clock.time()),
            "authorizations": [teams.authorization(self._box)],
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

    def _sees(self, channel: Channel) -> bool:
        return self._bot.id in channel.members

    def _reaction(self, change: Json) -> None:
        message: Message = change["message"]
        if not self._sees(change["channel"]):
            return
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"type": change["kind"], "user": change["user"], "reaction": change["name"], "item": item}
        self.send({**event, "item_user": message.user, "event_ts": change["event_ts"]})

    def _message(self, change: Json) -> None:
        channel, message = change["channel"], change["message"]
        if not self._sees(channel):
            return
        event = message_json(self._workspace, message)
        event |= {"channel": channel.id, "event_ts": message.ts}
        self._send_message(channel, event)
        if f"<@{self._bot.id}>" in message.text:
            self.send({**event, "type": "app_mention"})

    def _changed(self, change: Json) -> None:
        channel, message = change["channel"], change["message"]
        if self._sees(channel):
            event = {"type": "message", "subtype": "message_changed", "channel": channel.id, "hidden": True}
            event |= {"message": message_json(self._workspace, message), "ts": message.edited_ts}
            self._send_message(channel, {**event, "event_ts": message.edited_ts})

    def _deleted(self, change: Json) -> None:
        channel, message = change["channel"], change["message"]
        if self._sees(channel):
            ts = self._workspace.mint.ts()
            event = {"type": "message", "subtype": "message_deleted", "channel": channel.id, "hidden": True}
            event |= {"deleted_ts": message.ts, "ts": ts, "event_ts": ts}
            self._send_message(channel, event)

    def _send_message(self, channel: Channel, event: Json) -> None:
        kind, plural = "channel", "channels"
        if channel.is_im:
            kind = plural = "im"
        elif channel.is_private:
            kind, plural = "group", "groups"
        self.send({**event, "channel_type": kind}, f"message.{plural}")

    def _member(self, kind: str, change: Json) -> None:
        channel: Channel = change["channel"]
        if self._sees(channel) or change["user"].id == self._bot.id:
            event = {"type": kind, "user": change["user"].id, "channel": channel.id, "team": self._workspace.id}
            event |= {"channel_type": "G" if channel.is_private else "C"}
            self.send({**event, "event_ts": self._workspace.mint.ts()})

    def _emoji(self, change: Json) -> None:
        ts = self._workspace.mint.ts()
        if change["url"] is None:
            event: Json = {"type": "emoji_changed", "subtype": "remove", "names": [change["name"]]}
        else:
            event = {"type": "emoji_changed", "subtype": "add", "name": change["name"], "value": change["url"]}
        self.send({**event, "event_ts": ts})
