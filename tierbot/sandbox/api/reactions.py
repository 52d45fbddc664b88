"""reactions.*: add and remove the caller's reactions, and list everyone's."""

import re

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json, Message
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import message_json, reactions_json

_TS = re.compile(r"^\d{1,12}\.\d{1,6}$")
_SHORT = 50


def _item(box: Sandbox, args: Args) -> Message:
    if "channel" not in args or "timestamp" not in args:
        raise SlackError("no_item_specified")
    timestamp = args.text("timestamp")
    if not _TS.match(timestamp):
        raise SlackError("bad_timestamp")
    return box.workspace.message(box.visible_channel(args.text("channel"), box.caller(args.token)).id, timestamp)


@method("reactions.add", "reactions:write", tier=3, caller="member")
def _add(box: Sandbox, args: Args) -> Json:
    message = _item(box, args)
    name = args.need("name", "invalid_name")
    box.workspace.react(box.caller(args.token).id, message.channel, message.ts, name)
    return {}


@method("reactions.remove", "reactions:write", tier=2, caller="member")
def _remove(box: Sandbox, args: Args) -> Json:
    message = _item(box, args)
    name = args.need("name", "invalid_name")
    box.workspace.unreact(box.caller(args.token).id, message.channel, message.ts, name)
    return {}


@method("reactions.get", "reactions:read", tier=3)
def _get(box: Sandbox, args: Args) -> Json:
    """Return a message's reactions; without `full` the user lists are truncated, but the counts are not."""
    message = _item(box, args)
    if box.bot.id not in box.workspace.channel(message.channel).members:
        raise SlackError("not_in_channel")
    limit = box.faults.plan.cut_users
    if limit is None and not args.flag("full"):
        limit = _SHORT
    body = message_json(box.workspace, message)
    if message.reactions:
        body["reactions"] = reactions_json(message, limit)
    body["permalink"] = box.permalink(message)
    return {"type": "message", "channel": message.channel, "message": body}
