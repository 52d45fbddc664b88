"""Writing to Slack: posts, pre-filled reactions and announcements, and finding them again after a crash.

Every message carries its delivery's id as metadata, so the bot can find it and not send it twice. Nothing waits here;
the outbox does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from slack_sdk import WebClient

from tierbot.adapters.slack.admins import is_stranger
from tierbot.adapters.slack.block_kit.blocks import Message
from tierbot.adapters.slack.calls import call, entries, next_cursor, page_of
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.adapters.slack.messages.posts import has_picture, render_post
from tierbot.adapters.slack.messages.upload import carries, share_picture
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.nouns import to_slack_ts
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import ChatError, Clock, Page, PostView, ReactionCount, Span

NEEDS = Needs(
    methods={
        "chat.postMessage": ("chat:write",),
        "chat.postEphemeral": ("chat:write",),
        "chat.update": ("chat:write",),
        "reactions.add": ("reactions:write",),
        "reactions.get": ("reactions:read",),
        "users.info": ("users:read",),
        "emoji.list": ("emoji:read",),
        "conversations.history": ("channels:history", "groups:history", "im:history"),
        "conversations.replies": ("channels:history", "groups:history", "im:history"),
        "conversations.open": ("im:write",),
        "users.conversations": ("channels:read", "groups:read"),
    }
)
EVENT_TYPE = "tierbot_delivery"
_MOST_PAGES = 5
_Sent = TypeVar("_Sent")


class SlackChat:
    """ports.Chat for one workspace, over Slack's Web API. `tags` returns the current tag space."""

    def __init__(self, client: WebClient, workspace: str, tags: Callable[[], TagSpace], clock: Clock) -> None:
        self._client = client
        self._workspace = workspace
        self._tags = tags
        self._clock = clock

    def post(self, view: PostView, delivery_id: str) -> str:
        """Send a post's message and return its ts; leave out its picture if Slack can't load it."""

        def send(said: Message) -> str:
            return self._send(view.post.channel, said, delivery_id, view.thread)

        return _with_or_without_picture(view, self._clock.now(), send)

    def revise(self, view: PostView) -> None:
        """Update a sent post's message, keeping its metadata; do nothing if it was deleted."""
        where = {"channel": view.post.channel, "ts": view.post.ts}

        def update(said: Message) -> None:
            call(self._client.chat_update, **where, **said.as_arguments())

        with _ignored("message_not_found"):
            _with_or_without_picture(view, view.post.posted_at or self._clock.now(), update)

    def react(self, channel: str, ts: str, emoji: str) -> None:
        """Add the bot's reaction, if it isn't there yet."""
        with _ignored("already_reacted"):
            call(self._client.reactions_add, channel=channel, timestamp=ts, name=emoji)

    def announce(
        self, channel: str, announcement: Mapping[str, Any], delivery_id: str, thread: str | None = None
    ) -> str:
        """Send an announcement, in a thread if one is given, and return its ts."""
        return self._send(channel, render_announcement(announcement, self._tags()), delivery_id, thread)

    def whisper(self, channel: str, user: str, announcement: Mapping[str, Any]) -> None:
        """Show an announcement in a channel to one user only."""
        said = render_announcement(announcement, self._tags())
        call(self._client.chat_postEphemeral, channel=channel, user=user, **said.as_arguments())

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        """Share a picture and return its file's id."""
        return share_picture(self._client, channel, png, delivery_id, title, alt)

    def find(
        self, channel: str, delivery_id: str, span: Span, thread: str | None = None, cursor: str | None = None
    ) -> Page:
        """Look on one page for the message with `delivery_id`, sent within `span` by Slack's clock."""
        oldest, latest = map(to_slack_ts, span)
        where: dict[str, Any] = {"channel": channel, "oldest": oldest, "latest": latest, "inclusive": True}
        where |= {"include_all_metadata": True} | ({"cursor": cursor} if cursor else {})
        if thread is None:
            found = page_of(self._client.conversations_history, **where)
        else:
            found = page_of(self._client.conversations_replies, ts=thread, **where)
        for message in found.get("messages") or []:
            if _is_delivery(message, delivery_id) or carries(message, delivery_id):
                return Page(str(message["ts"]))
        return Page(None, next_cursor(found) or None)

    def channel_with(self, ts: str) -> str | None:
        """Return which of the bot's channels has a message of the bot with this ts; None if none has."""
        kinds = "public_channel,private_channel"
        mine = entries(self._client.users_conversations, "channels", _MOST_PAGES, types=kinds, exclude_archived=True)
        for channel in (str(one["id"]) for one in mine):
            with _ignored("message_not_found", "channel_not_found", "not_in_channel"):
                found = call(self._client.reactions_get, channel=channel, timestamp=ts)
                if (found.get("message") or {}).get("bot_id"):
                    return channel
        return None

    def direct(self, user: str) -> str:
        """Return the id of the direct message channel with a user, opening it if needed."""
        opened = call(self._client.conversations_open, users=user)
        return str(opened["channel"]["id"])

    def is_colleague(self, user: str) -> bool:
        """Return whether a user is an active member of this workspace. A user unknown to Slack isn't."""
        with _ignored("user_not_found", "user_not_visible"):
            found = call(self._client.users_info, user=user).get("user") or {}
            return not (found.get("is_bot") or found.get("deleted") or is_stranger(found, self._workspace))
        return False

    def emoji_aliases(self) -> dict[str, str]:
        """Return the workspace's own aliases of emoji: alias → the name that it stands for."""
        custom = call(self._client.emoji_list).get("emoji") or {}
        prefix = "alias:"
        return {
            str(name): str(value).removeprefix(prefix)
            for name, value in custom.items()
            if str(value).startswith(prefix)
        }

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        """Return people's current reactions to a message; None if it was deleted."""
        with _ignored("message_not_found"):
            answer = call(self._client.reactions_get, channel=channel, timestamp=ts, full=True)
            message = answer.get("message") or {}
            return [_counted(reaction) for reaction in message.get("reactions") or []]
        return None

    def _send(self, channel: str, message: Message, delivery_id: str, thread: str | None = None) -> str:
        sent = call(
            self._client.chat_postMessage,
            channel=channel,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"delivery_id": delivery_id}},
            unfurl_links=False,
            unfurl_media=False,
            **({"thread_ts": thread} if thread else {}),
            **message.as_arguments(),
        )
        return str(sent["ts"])


@contextmanager
def _ignored(*codes: str) -> Iterator[None]:
    try:
        yield
    except ChatError as fault:
        if fault.code not in codes:
            raise


def _with_or_without_picture(view: PostView, now: datetime, send: Callable[[Message], _Sent]) -> _Sent:
    try:
        return send(render_post(view, now))
    except ChatError as fault:
        # Slack fetches the picture while receiving the message, and refuses the message if that fails.
        if fault.code != "invalid_blocks" or not has_picture(view.article):
            raise
        return send(render_post(view, now, image=False))


def _is_delivery(message: Mapping[str, Any], delivery_id: str) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == EVENT_TYPE and payload.get("delivery_id") == delivery_id


def _counted(reaction: Mapping[str, Any]) -> ReactionCount:
    users = tuple(str(user) for user in reaction.get("users") or ())
    complete = len(users) >= int(reaction.get("count", len(users)))
    return ReactionCount(str(reaction["name"]), users, complete)
