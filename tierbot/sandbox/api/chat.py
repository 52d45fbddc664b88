"""chat.*: post, edit and delete messages, with Slack's rules for text, blocks and metadata."""

import json
from typing import Any

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Channel, Json, Message
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import message_json

_MAX_METADATA = 16_000


def _content(box: Sandbox, args: Args) -> Json:
    """Return the checked `text`, `blocks`, `attachments` and `metadata` of a message."""
    found: Json = {}
    if "text" in args:
        found["text"] = args.text("text")
    blocks = args.json("blocks", "invalid_blocks_format")
    if blocks is not None:
        found["blocks"] = box.files.checked_blocks(blocks)
    attachments = args.json("attachments", "invalid_attachments")
    if attachments is not None:
        if not isinstance(attachments, list):
            raise SlackError("invalid_attachments")
        found["attachments"] = attachments
    metadata = args.json("metadata", "invalid_metadata_format")
    if metadata is not None:
        found["metadata"] = _checked_metadata(metadata)
    if not any(found.get(key) for key in ("text", "blocks", "attachments")):
        raise SlackError("no_text")
    return found


def _checked_metadata(metadata: Any) -> Json:
    good = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and metadata["event_type"]
        and isinstance(metadata.get("event_payload"), dict)
        and set(metadata) <= {"event_type", "event_payload", "entities"}
    )
    if not good:
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata)) > _MAX_METADATA:
        raise SlackError("metadata_too_large")
    return dict(metadata)


def _target(box: Sandbox, args: Args) -> Channel:
    """Return the channel to write to, given by its id, its #name, or the id of a user to message directly."""
    place = args.need("channel", "channel_not_found")
    if place in box.workspace.users:
        return box.workspace.direct(box.bot.id, place)
    channel = box.find_channel(place)
    if box.bot.id not in channel.members:
        if channel.is_private or channel.is_im:
            raise SlackError("channel_not_found")
        if "chat:write.public" not in box.settings.scopes:
            raise SlackError("not_in_channel")
    return channel


@method("chat.postMessage", "chat:write", tier=0)
def _post_message(box: Sandbox, args: Args) -> Json:
    channel = _target(box, args)
    message = Message(channel.id, box.bot.id, bot_id=box.bot.bot_id, **_content(box, args))
    message.thread_ts, message.broadcast = args.text("thread_ts") or None, args.flag("reply_broadcast")
    box.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message_json(box.workspace, message, metadata=True)}


@method("chat.update", "chat:write", tier=3)
def _update(box: Sandbox, args: Args) -> Json:
    """Edit one of the bot's own messages, keeping its blocks unless new ones are passed."""
    channel = box.visible_channel(args.need("channel", "channel_not_found"), box.bot)
    changes = _content(box, args)
    if changes.get("blocks") == []:
        changes["blocks"] = None
    message = box.workspace.update(channel.id, args.need("ts", "message_not_found"), box.bot.id, changes)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message_json(box.workspace, message, metadata=True),
    }


@method("chat.delete", "chat:write", tier=3)
def _delete(box: Sandbox, args: Args) -> Json:
    channel = box.visible_channel(args.need("channel", "channel_not_found"), box.bot)
    message = box.workspace.delete(channel.id, args.need("ts", "message_not_found"), box.bot.id)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", tier=4)
def _post_ephemeral(box: Sandbox, args: Args) -> Json:
    channel = _target(box, args)
    reader = args.need("user", "user_not_found")
    if box.workspace.user(reader).id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = Message(channel.id, box.bot.id, bot_id=box.bot.bot_id, visible_to=reader, **_content(box, args))
    return {"message_ts": box.workspace.whisper(message).ts}


@method("chat.getPermalink", tier=0)
def _get_permalink(box: Sandbox, args: Args) -> Json:
    channel = box.visible_channel(args.need("channel", "channel_not_found"), box.bot)
    message = box.workspace.message(channel.id, args.need("message_ts", "message_not_found"))
    return {"channel": channel.id, "permalink": box.permalink(message)}
