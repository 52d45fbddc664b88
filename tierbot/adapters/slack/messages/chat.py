"""Writing to Slack: posts, pre-filled reactions and announcements, and finding them again after a crash.

Every message carries its delivery's id as metadata, so the bot can find it and not send it twice. Nothing waits here;
the outbox does.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.http_retry import RetryHandler

from tierbot.adapters.slack.admins import is_stranger
from tierbot.adapters.slack.block_kit.blocks import Message
from tierbot.adapters.slack.errors import call
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.adapters.slack.messages.posts import has_picture, render_post
from tierbot.adapters.slack.messages.upload import carries, share_picture
from tierbot.adapters.slack.needs import Needs
from tierbot.adapters.slack.pagination import pages
from tierbot.adapters.slack.rate_limits import RateLimitWatch
from tierbot.domain.nouns import Post, to_slack_ts
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import ChatError, Clock, Meter, PostView, ReactionCount

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
    }
)
EVENT_TYPE = "tierbot_delivery"
_CLOCK_SKEW = timedelta(minutes=2)  # Slack stamps messages with its own clock
_TIMEOUT = 15  # seconds
_Sent = TypeVar("_Sent")


def web_client(token: str | None, base_url: str, meter: Meter | None = None) -> WebClient:
    """Return a client that tries each call once: the SDK's own retries sleep and could post twice."""
    handlers: list[RetryHandler] = [RateLimitWatch(meter)] if meter else []
    return WebClient(token=token, base_url=base_url.rstrip("/") + "/", timeout=_TIMEOUT, retry_handlers=handlers)


class SlackChat:
    """ports.Chat for one workspace, over Slack's Web API. `tags` returns the current tag space."""

    def __init__(self, client: WebClient, workspace: str, tags: Callable[[], TagSpace], clock: Clock) -> None:
        self._client = client
        self._workspace = workspace
        self._tags = tags
        self._clock = clock

    def post(self, view: PostView, delivery_id: str) -> str:
        """Send a post's message and return its ts; leave out its picture if Slack can't load it."""
        return _with_or_without_picture(
            view, self._clock.now(), lambda said: self._send(view.post.channel, said, delivery_id, view.thread)
        )

    def revise(self, view: PostView) -> None:
        """Update a sent post's message, keeping its metadata; do nothing if it was deleted."""
        try:
            _with_or_without_picture(
                view, view.post.posted_at or self._clock.now(), lambda said: self._update(view.post, said)
            )
        except ChatError as fault:
            if fault.code != "message_not_found":
                raise

    def react(self, channel: str, ts: str, emoji: str) -> None:
        """Add the bot's reaction, if it isn't there yet."""
        try:
            call("reactions.add", self._client.reactions_add, channel=channel, timestamp=ts, name=emoji)
        except ChatError as fault:
            if fault.code != "already_reacted":
                raise

    def announce(self, channel: str, announcement: Mapping[str, Any], delivery_id: str) -> str:
        """Send an announcement and return its ts."""
        return self._send(channel, render_announcement(announcement, self._tags()), delivery_id)

    def whisper(self, channel: str, user: str, announcement: Mapping[str, Any]) -> None:
        """Show an announcement in a channel to one user only."""
        said = render_announcement(announcement, self._tags())
        call(
            "chat.postEphemeral",
            self._client.chat_postEphemeral,
            channel=channel,
            user=user,
            text=said.text,
            blocks=list(said.blocks),
        )

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        """Share a picture and return its file's id."""
        return share_picture(self._client, channel, png, delivery_id, title, alt)

    def find(self, channel: str, delivery_id: str, since: datetime, thread: str | None = None) -> str | None:
        """Return the ts of the message with `delivery_id`, if it was sent after `since` (by either clock)."""
        oldest = to_slack_ts(since - _CLOCK_SKEW)
        where: dict[str, Any] = {
            "channel": channel,
            "oldest": oldest,
            "inclusive": True,
            "include_all_metadata": True,
        }
        if thread is None:
            found = pages("conversations.history", self._client.conversations_history, **where)
        else:
            found = pages("conversations.replies", self._client.conversations_replies, ts=thread, **where)
        for page in found:
            for message in page.get("messages") or []:
                if _delivery_of(message) == delivery_id or carries(message, delivery_id):
                    return str(message["ts"])
        return None

    def direct(self, user: str) -> str:
        """Return the id of the direct message channel with a user, opening it if needed."""
        opened = call("conversations.open", self._client.conversations_open, users=user)
        return str(opened["channel"]["id"])

    def is_colleague(self, user: str) -> bool:
        """Return whether a user is an active person of this workspace. A user whom Slack doesn't know isn't."""
        try:
            found = call("users.info", self._client.users_info, user=user).get("user") or {}
        except ChatError as fault:
            if fault.code in {"user_not_found", "user_not_visible"}:
                return False
            raise
        return not (found.get("is_bot") or found.get("deleted") or is_stranger(found, self._workspace))

    def emoji_aliases(self) -> dict[str, str]:
        """Return the workspace's own aliases of emoji: alias → the name that it stands for."""
        custom = call("emoji.list", self._client.emoji_list).get("emoji") or {}
        prefix = "alias:"
        return {
            str(name): str(value).removeprefix(prefix)
            for name, value in custom.items()
            if str(value).startswith(prefix)
        }

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        """Return people's current reactions to a message; None if it was deleted."""
        try:
            answer = call("reactions.get", self._client.reactions_get, channel=channel, timestamp=ts, full=True)
        except ChatError as fault:
            if fault.code == "message_not_found":
                return None
            raise
        message = answer.get("message") or {}
        return [_counted(reaction) for reaction in message.get("reactions") or []]

    def _update(self, post: Post, message: Message) -> None:
        call(
            "chat.update",
            self._client.chat_update,
            channel=post.channel,
            ts=post.ts,
            text=message.text,
            blocks=list(message.blocks),
        )

    def _send(self, channel: str, message: Message, delivery_id: str, thread: str | None = None) -> str:
        sent = call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=channel,
            text=message.text,
            blocks=list(message.blocks),
            metadata={"event_type": EVENT_TYPE, "event_payload": {"delivery_id": delivery_id}},
            unfurl_links=False,
            unfurl_media=False,
            **({"thread_ts": thread} if thread else {}),
        )
        return str(sent["ts"])


def _with_or_without_picture(view: PostView, now: datetime, send: Callable[[Message], _Sent]) -> _Sent:
    try:
        return send(render_post(view, now))
    except ChatError as fault:
        # Slack fetches the picture while receiving the message, and refuses the message if that fails.
        if fault.code != "invalid_blocks" or not has_picture(view.article):
            raise
        return send(render_post(view, now, image=False))


def _delivery_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    found = (metadata.get("event_payload") or {}).get("delivery_id")
    return str(found) if found is not None else None


def _counted(reaction: Mapping[str, Any]) -> ReactionCount:
    users = tuple(str(user) for user in reaction.get("users") or ())
    complete = len(users) >= int(reaction.get("count", len(users)))
    return ReactionCount(str(reaction["name"]), users, complete)
