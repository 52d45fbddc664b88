"""files.*: the calls of a three-step upload."""

from tierbot.sandbox.api.registry import method
from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json, Message
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.state.payloads import file_json


@method("files.getUploadURLExternal", "files:write", tier=4)
def _get_upload_url(box: Sandbox, args: Args) -> Json:
    length = args.integer("length")
    if length < 1:
        raise SlackError("invalid_arguments", messages=["length must be positive"])
    file, token = box.files.promise(args.need("filename"), length, args.text("alt_txt"))
    return {"upload_url": f"{box.base_url}/upload/v1/{token}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def _complete_upload(box: Sandbox, args: Args) -> Json:
    """Finish uploads and share them in a channel, if one is given."""
    uploads = args.json("files")
    if not isinstance(uploads, list) or not uploads:
        raise SlackError("invalid_arguments", messages=["files must be a non-empty array"])
    if not all(isinstance(item, dict) for item in uploads):
        raise SlackError("invalid_arguments", messages=["files must be an array of objects"])
    done = [box.files.complete(str(item.get("id", "")), str(item.get("title") or "")) for item in uploads]
    for channel_id in args.names("channels") or args.names("channel_id"):
        channel = box.find_channel(channel_id)
        if box.bot.id not in channel.members:
            raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
        for file in done:
            file.channels.append(channel.id)
        message = Message(channel.id, box.bot.id, args.text("initial_comment"), bot_id=box.bot.bot_id)
        message.thread_ts, message.files = args.text("thread_ts") or None, [file.id for file in done]
        box.workspace.post(message)
    return {"files": [file_json(file, box.base_url) for file in done]}


@method("files.info", "files:read", tier=4)
def _info(box: Sandbox, args: Args) -> Json:
    """Describe a file; `mimetype` stays empty until the file is processed."""
    file = box.files.get(args.need("file", "file_not_found"))
    body = file_json(file, box.base_url)
    if not box.files.is_ready(file):
        body["mimetype"] = ""
    return {"file": body, "comments": []}
