"""Listens for what happens to channels: the bot comes or goes, a channel is archived or deleted, its id changes.

Each event is recorded before it is acknowledged, as reactions are: if that fails, Slack delivers it again.
"""

from collections.abc import Callable
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse

from tierbot.adapters.slack.needs import Needs
from tierbot.use_cases.delivery.channels import ChannelNews

_PUBLIC, _PRIVATE = ("channels:read",), ("groups:read",)
# The code with which Slack refuses a message afterwards.
_CLOSES = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_deleted": "channel_not_found",
    "group_deleted": "channel_not_found",
    "channel_left": "not_in_channel",
    "group_left": "channel_not_found",
    "member_left_channel": "not_in_channel",
}
_OPENS = ("channel_unarchive", "group_unarchive", "member_joined_channel")
_ID_CHANGED = "channel_id_changed"
NEEDS = Needs(
    events={
        **{name: _PRIVATE if name.startswith("group") else _PUBLIC for name in (*_CLOSES, *_OPENS)},
        **dict.fromkeys(("member_joined_channel", "member_left_channel", _ID_CHANGED), (*_PUBLIC, *_PRIVATE)),
    }
)


def register(app: App, news: ChannelNews) -> None:
    """Subscribe to every event about channels."""

    def record(body: dict[str, Any], context: BoltContext, next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002, ARG001 - Bolt injects by name
        """Record the event before it is acknowledged; there is nothing to do afterwards."""
        if context.team_id:
            _record(news, str(context.team_id), body["event"], context.bot_user_id)
        return BoltResponse(status=200, body="")

    def recorded() -> None:
        """Bolt wants a listener; the middleware answers before it."""

    for kind in NEEDS.events:
        app.event(kind, middleware=[record])(recorded)


def _record(news: ChannelNews, workspace: str, event: dict[str, Any], bot: str | None) -> None:
    kind, channel = event["type"], event.get("channel")
    if kind == _ID_CHANGED:
        old, new = event.get("old_channel_id"), event.get("new_channel_id")
        if isinstance(old, str) and isinstance(new, str) and old and new:
            news.changed_id(workspace, old, new)
    elif not isinstance(channel, str) or not channel:
        return  # not as Slack sends it
    elif kind.startswith("member_") and event.get("user") != bot:
        return  # someone else joined or left
    elif kind in _OPENS:
        news.opened(workspace, channel)
    else:
        private = event.get("channel_type") == "G"
        news.closed(workspace, channel, "channel_not_found" if private else _CLOSES[kind])
