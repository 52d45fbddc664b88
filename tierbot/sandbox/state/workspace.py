"""A workspace as a state machine: its users, channels, messages and reactions.

It does no I/O and never waits: each method changes the state or raises SlackError, then notifies the listeners, which
feed the app's events and the page.
"""

from collections.abc import Callable

from tierbot.sandbox.kit import emoji
from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.records import Act, Channel, Json, Message, User

_MAX_TEXT = 40_000
_MAX_EMOJI = _MAX_REACTIONS = 23  # different emoji of one message; reactions of one user to it
_COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "684b6c", "5b89d5", "2b6836")


class Workspace:
    """Users, channels, messages and reactions of one Slack team."""

    def __init__(self, clock: Clock, mint: Mint, name: str) -> None:
        self.clock = clock
        self.mint = mint
        self.name = name
        self.id = mint.id("T")
        self.domain = "".join(c for c in name.lower().replace(" ", "-") if c.isalnum() or c == "-") or "team"
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.custom_emoji: dict[str, str] = {}
        self.ephemerals: list[Message] = []
        self.record: list[Act] = []
        self._listeners: list[Callable[[str, Json], None]] = []

    def listen(self, listener: Callable[[str, Json], None]) -> None:
        """Call `listener(kind, details)` after every change."""
        self._listeners.append(listener)

    def tell(self, kind: str, **details: object) -> None:
        """Notify the listeners of a change."""
        for listener in self._listeners:
            listener(kind, details)

    def note(self, user: str, act: str, **details: object) -> None:
        """Record a colleague's action."""
        self.record.append(Act(len(self.record) + 1, self.clock.now().isoformat(), user, act, details))

    # People and places

    def add_user(
        self,
        name: str,
        *,
        real_name: str = "",
        admin: bool = False,
        guest: bool = False,
        bot: bool = False,
        tz: str = "Etc/UTC",
        user_id: str | None = None,
        home: str | None = None,
        ultra: bool = False,
    ) -> User:
        """Add a user. `home`: an external one's own team; `ultra`: a single-channel guest. Raises `name_taken`."""
        if any(user.name == name for user in self.users.values()):
            raise SlackError("name_taken")
        color = _COLORS[len(self.users) % len(_COLORS)]
        fresh = self.mint.id("U")
        user = User(user_id or fresh, name, real_name or name, admin, guest or ultra, bot, tz=tz, color=color)
        user.home, user.is_ultra = home, ultra
        if bot:
            user.bot_id = self.mint.id("B")
        self.users[user.id] = user
        self.tell("user", user=user)
        return user

    def add_channel(self, name: str, *, private: bool = False) -> Channel:
        """Create a channel. Raises `name_taken`."""
        if any(channel.name == name for channel in self.channels.values()):
            raise SlackError("name_taken")
        channel = Channel(self.mint.id("C"), name, int(self.clock.time()), is_private=private)
        self.channels[channel.id] = channel
        self.tell("channel", channel=channel)
        return channel

    def user(self, user_id: str) -> User:
        """Return the user. Raises `user_not_found`."""
        return get_or_refuse(self.users, user_id, "user_not_found")

    def channel(self, channel_id: str) -> Channel:
        """Return the channel. Raises `channel_not_found`."""
        return get_or_refuse(self.channels, channel_id, "channel_not_found")

    def message(self, channel_id: str, ts: str) -> Message:
        """Return the message. Raises `message_not_found`."""
        return get_or_refuse(self.channel(channel_id).messages, ts, "message_not_found")

    def join(self, channel_id: str, user_id: str) -> bool:
        """Add the user to the channel; return False if they were a member already."""
        channel, user = self.channel(channel_id), self.user(user_id)
        if channel.is_archived:
            raise SlackError("is_archived")
        if user.id in channel.members:
            return False
        channel.members[user.id] = None
        self.tell("member_joined", channel=channel, user=user)
        return True

    def leave(self, channel_id: str, user_id: str) -> bool:
        """Remove the user from the channel; return False if they weren't a member."""
        channel, user = self.channel(channel_id), self.user(user_id)
        if user.id not in channel.members:
            return False
        del channel.members[user.id]
        self.tell("member_left", channel=channel, user=user)
        return True

    def archive(self, channel_id: str, *, archived: bool = True) -> Channel:
        """Archive or restore a channel."""
        channel = self.channel(channel_id)
        if channel.is_archived is not archived:
            channel.is_archived = archived
            self.tell("channel", channel=channel)
            self.tell("archived" if archived else "unarchived", channel=channel)
        return channel

    def make_private(self, channel_id: str, *, private: bool = True) -> Channel:
        """Make a channel private or public; its id stays."""
        channel = self.channel(channel_id)
        channel.is_private = private
        self.tell("channel", channel=channel)
        return channel

    def rename(self, channel_id: str, name: str) -> Channel:
        """Rename a channel; its id stays. Raises `name_taken`."""
        channel = self.channel(channel_id)
        if any(other.name == name for other in self.channels.values() if other is not channel):
            raise SlackError("name_taken")
        channel.name = name
        self.tell("channel", channel=channel)
        self.tell("renamed", channel=channel)
        return channel

    def change_id(self, channel_id: str) -> Channel:
        """Give a channel another id: the old one is unknown from then on, and messages keep their timestamps."""
        channel = self.channel(channel_id)
        channel.id = self.mint.id("C")
        # In place, so that the channels keep their order.
        self.channels = {known.id: known for known in self.channels.values()}
        for message in channel.messages.values():
            message.channel = channel.id
        self.tell("channel", channel=channel)
        self.tell("id_changed", channel=channel, old=channel_id)
        return channel

    def delete_channel(self, channel_id: str) -> None:
        """Delete a channel with its messages."""
        channel = self.channels.pop(self.channel(channel_id).id)
        self.tell("deleted", channel=channel)

    def direct(self, one: str, other: str) -> Channel:
        """Return the direct conversation of two users, opening it if needed."""
        pair = {self.user(one).id, self.user(other).id}
        for channel in self.channels.values():
            if channel.is_im and set(channel.members) == pair:
                return channel
        channel = Channel(self.mint.id("D"), "", int(self.clock.time()), is_im=True)
        channel.members = dict.fromkeys((one, other))
        self.channels[channel.id] = channel
        self.tell("channel", channel=channel)
        return channel

    # Messages

    def post(self, message: Message) -> Message:
        """Post a message to its channel and set its `ts`."""
        channel = self._writable(message.channel, message.text)
        message.ts = self.mint.ts()
        if message.thread_ts:
            parent = get_or_refuse(channel.messages, message.thread_ts, "thread_not_found")
            message.thread_ts = parent.thread_ts or parent.ts
            channel.messages.get(message.thread_ts, parent).replies.append(message.ts)
        channel.messages[message.ts] = message
        self.tell("message", channel=channel, message=message)
        return message

    def update(self, channel_id: str, ts: str, author: str, changes: Json) -> Message:
        """Edit a message of `author`; `changes` are fields of `Message`."""
        channel = self._writable(channel_id, changes.get("text") or "")
        message = self.message(channel_id, ts)
        if message.user != author:
            raise SlackError("cant_update_message")
        for key, value in changes.items():
            setattr(message, key, value)
        message.edited_ts = self.mint.ts()
        self.tell("message_changed", channel=channel, message=message)
        return message

    def delete(self, channel_id: str, ts: str, author: str | None = None) -> Message:
        """Delete a message, which must be from `author` if given."""
        message = self.message(channel_id, ts)
        if author is not None and message.user != author:
            raise SlackError("cant_delete_message")
        channel = self.channel(channel_id)
        del channel.messages[ts]
        if message.thread_ts in channel.messages:
            channel.messages[message.thread_ts].replies.remove(ts)
        self.tell("message_deleted", channel=channel, message=message)
        return message

    def whisper(self, message: Message) -> Message:
        """Show an ephemeral message to one user (`visible_to`)."""
        channel = self._writable(message.channel, message.text)
        message.ts = self.mint.ts()
        self.ephemerals.append(message)
        self.tell("ephemeral", channel=channel, message=message)
        return message

    def take_back(self, ephemeral: Message) -> None:
        """Remove an ephemeral message."""
        if ephemeral in self.ephemerals:
            self.ephemerals.remove(ephemeral)
            self.tell("ephemeral_deleted", channel=self.channel(ephemeral.channel), message=ephemeral)

    def _writable(self, channel_id: str, text: str = "") -> Channel:
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise SlackError("is_archived")
        if len(text) > _MAX_TEXT:
            raise SlackError("msg_too_long")
        return channel

    # Reactions

    def react(self, user_id: str, channel_id: str, ts: str, name: str) -> str:
        """Add a reaction and return the event's timestamp."""
        message = self._reactable(user_id, channel_id, ts, name)
        users = message.reactions.get(name, [])
        if user_id in users:
            raise SlackError("already_reacted")
        bases = {emoji.base_name(used) for used in message.reactions}
        if emoji.base_name(name) not in bases and len(bases) >= _MAX_EMOJI:
            raise SlackError("too_many_emoji")
        if sum(user_id in reacted for reacted in message.reactions.values()) >= _MAX_REACTIONS:
            raise SlackError("too_many_reactions")
        message.reactions.setdefault(name, []).append(user_id)
        return self._reacted("reaction_added", user_id, message, name)

    def unreact(self, user_id: str, channel_id: str, ts: str, name: str) -> str:
        """Remove a reaction and return the event's timestamp."""
        message = self._reactable(user_id, channel_id, ts, name)
        users = message.reactions.get(name, [])
        if user_id not in users:
            raise SlackError("no_reaction")
        users.remove(user_id)
        if not users:
            del message.reactions[name]
        return self._reacted("reaction_removed", user_id, message, name)

    def _reactable(self, user_id: str, channel_id: str, ts: str, name: str) -> Message:
        channel = self._writable(channel_id)
        message = self.message(channel_id, ts)
        if not emoji.is_valid(name, self.custom_emoji):
            raise SlackError("invalid_name")
        if user_id not in channel.members:
            raise SlackError("not_in_channel")
        return message

    def _reacted(self, kind: str, user_id: str, message: Message, name: str) -> str:
        channel, act = self.channels[message.channel], "react" if kind == "reaction_added" else "unreact"
        event_ts = self.mint.ts()
        if not self.users[user_id].is_bot:
            self.note(user_id, act, channel=channel.id, ts=message.ts, name=name, event_ts=event_ts)
        self.tell(kind, channel=channel, message=message, user=user_id, name=name, event_ts=event_ts)
        return event_ts

    # Emoji

    def set_custom_emoji(self, name: str, url: str | None) -> None:
        """Add a custom emoji, or remove it if `url` is None."""
        if url is None:
            if self.custom_emoji.pop(name, None) is None:
                raise SlackError("emoji_not_found")
        elif not emoji.is_valid_custom(name):
            raise SlackError("invalid_name")
        else:
            self.custom_emoji[name] = url
        self.tell("emoji_changed", name=name, url=url)
