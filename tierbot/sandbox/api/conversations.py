"""conversations.*: list channels, their members and their messages."""

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.records import Channel, Json, Message
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import channel_json

_READ = ("channels:read", "groups:read", "im:read")
_HISTORY = ("channels:history", "groups:history", "im:history")
_REDUCED = 15  # objects on a page of history, with reduced limits
_END_OF_TIME = "9999999999.999999"


def _kind_of(channel: Channel) -> str:
    """Return the channel's type as it appears in Slack's arguments."""
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _visible(box: Sandbox, args: Args, suffix: str) -> Channel:
    """Return the channel. Raises SlackError unless the bot may see it and has the scope for its type."""
    channel = box.find_channel(args.need("channel", "channel_not_found"))
    family = {"im": "im", "private_channel": "groups", "public_channel": "channels"}[_kind_of(channel)]
    scope, scopes = f"{family}:{suffix}", box.settings.scopes
    if scope not in scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(scopes)))
    if family != "channels" and box.bot.id not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _listed(box: Sandbox, args: Args, member: str | None = None) -> Json:
    kinds = args.names("types") or ["public_channel"]
    if not set(kinds) <= {"public_channel", "private_channel", "im", "mpim"}:
        raise SlackError("invalid_types")
    found = [
        channel
        for channel in box.workspace.channels.values()
        if _kind_of(channel) in kinds
        and not (args.flag("exclude_archived") and channel.is_archived)
        and (_kind_of(channel) == "public_channel" or box.bot.id in channel.members)
        and (member is None or member in channel.members)
    ]
    page, cursor = args.page(found)
    channels = [channel_json(channel, box.bot.id, count=True) for channel in page]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("conversations.list", *_READ, tier=2)
def _list(box: Sandbox, args: Args) -> Json:
    return _listed(box, args)


@method("users.conversations", *_READ, tier=3)
def _users_conversations(box: Sandbox, args: Args) -> Json:
    return _listed(box, args, args.text("user") or box.bot.id)


@method("conversations.info", *_READ, tier=3)
def _info(box: Sandbox, args: Args) -> Json:
    channel = _visible(box, args, "read")
    return {"channel": channel_json(channel, box.bot.id, count=args.flag("include_num_members"))}


@method("conversations.members", *_READ, tier=4)
def _members(box: Sandbox, args: Args) -> Json:
    page, cursor = args.page(list(_visible(box, args, "read").members))
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def _bound(args: Args, name: str, default: str) -> float:
    try:
        return float(args.text(name) or default)
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _messages(box: Sandbox, args: Args, found: list[Message]) -> Json:
    oldest, latest = _bound(args, "oldest", "0"), _bound(args, "latest", _END_OF_TIME)
    inclusive = args.flag("inclusive")
    within = [
        message
        for message in found
        if oldest < float(message.ts) < latest or (inclusive and float(message.ts) in {oldest, latest})
    ]
    page, cursor = args.page(within, *((_REDUCED,) if box.faults.plan.reduced_history else ()))
    metadata = args.flag("include_all_metadata")
    body: Json = {
        "messages": [box.with_files(message, metadata=metadata) for message in page],
        "has_more": bool(cursor),
    }
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


@method("conversations.history", *_HISTORY, tier=3)
def _history(box: Sandbox, args: Args) -> Json:
    """Return a channel's messages, newest first, without thread replies."""
    channel = _visible(box, args, "history")
    if box.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    newest_first = reversed(channel.messages.values())
    found = [m for m in newest_first if m.thread_ts in {None, m.ts} or m.broadcast]
    return {**_messages(box, args, found), "pin_count": 0}


@method("conversations.replies", *_HISTORY, tier=3)
def _replies(box: Sandbox, args: Args) -> Json:
    """Return a thread with its parent, oldest first."""
    channel = _visible(box, args, "history")
    root = get_or_refuse(channel.messages, args.need("ts", "thread_not_found"), "thread_not_found")
    return _messages(box, args, [root, *(channel.messages[ts] for ts in root.replies)])


@method("conversations.open", "im:write", tier=3)
def _open(box: Sandbox, args: Args) -> Json:
    """Open (or find) the direct conversation with one user."""
    if "channel" in args:
        return {"channel": {"id": box.find_channel(args.text("channel")).id}}
    users = args.names("users")
    if len(users) != 1:
        raise SlackError("users_list_not_supplied" if not users else "not_enough_users")
    if box.workspace.user(users[0]).is_bot:
        raise SlackError("cannot_dm_bot")
    known = len(box.workspace.channels)
    channel = box.workspace.direct(box.bot.id, users[0])
    already = {"no_op": True, "already_open": True} if len(box.workspace.channels) == known else {}
    shown = channel_json(channel, box.bot.id) if args.flag("return_im") else {"id": channel.id}
    return {"channel": shown, **already}


@method("conversations.join", "channels:join", tier=3)
def _join(box: Sandbox, args: Args) -> Json:
    channel = box.find_channel(args.need("channel", "channel_not_found"))
    if channel.is_private or channel.is_im:
        raise SlackError("channel_not_found")
    joined = box.workspace.join(channel.id, box.bot.id)
    body: Json = {"channel": channel_json(channel, box.bot.id)}
    return body if joined else {**body, "warning": "already_in_channel"}


@method("conversations.leave", "channels:manage", "channels:join", tier=3)
def _leave(box: Sandbox, args: Args) -> Json:
    channel = _visible(box, args, "read")
    return {} if box.workspace.leave(channel.id, box.bot.id) else {"not_in_channel": True}
