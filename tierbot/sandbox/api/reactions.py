"""reactions.*: the bot's own reactions, and what everybody's are."""

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
    return box.workspace.message(box.find_channel(args.text("channel")).id, timestamp)


def _name(args: Args) -> str:
    return args.need("name", "invalid_name")


@method("reactions.add", "reactions:write", tier=3, caller="member")
def add(box: Sandbox, args: Args) -> Json:
    """React as whoever the token belongs to."""
    message = _item(box, args)
    box.workspace.react(box.caller(args.token).id, message.channel, message.ts, _name(args))
    return {}


@method("reactions.remove", "reactions:write", tier=2, caller="member")
def remove(box: Sandbox, args: Args) -> Json:
    """Take a reaction of whoever the token belongs to back."""
    message = _item(box, args)
    box.workspace.unreact(box.caller(args.token).id, message.channel, message.ts, _name(args))
    return {}


@method("reactions.get", "reactions:read", tier=3)
def get(box: Sandbox, args: Args) -> Json:
    """Return a message's reactions; without `full` the lists of users are cut short, the counts are not."""
    message = _item(box, args)
    if box.bot.id not in box.workspace.channel(message.channel).members:
        raise SlackError("not_in_channel")
    cut = None if args.flag("full") else _SHORT
    fault = box.faults.cut_users()
    body = message_json(box.workspace, message)
    if message.reactions:
        body["reactions"] = reactions_json(message, fault if fault is not None else cut)
    body["permalink"] = box.permalink(message)
    return {"type": "message", "channel": message.channel, "message": body}
