"""Convert records to Slack's JSON."""

from tierbot.sandbox.kit.records import Channel, File, Json, Message, User
from tierbot.sandbox.state.workspace import Workspace


def user_json(user: User, team_id: str) -> Json:
    """Return a user as `users.info` does."""
    return {
        "id": user.id,
        "team_id": user.home or team_id,
        "name": user.name,
        "deleted": user.is_deleted,
        "color": user.color,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_offset": 0,
        "profile": {
            "real_name": user.real_name,
            "display_name": "",  # Slack shows the real name until a user chooses another
            "display_name_normalized": "",
            "real_name_normalized": user.real_name,
            "team": user.home or team_id,
        },
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_external,
        "is_ultra_restricted": user.is_ultra,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


def channel_json(channel: Channel, reader: str, *, count: bool = False) -> Json:
    """Return a channel as `conversations.info` does for `reader`."""
    body: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_im": channel.is_im,
        "is_mpim": False,
    }
    if channel.is_im:
        others = [member for member in channel.members if member != reader]
        return {**body, "user": others[0] if others else reader, "is_channel": False, "is_group": False}
    body |= {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_private": channel.is_private,
        "is_general": False,
        "is_member": reader in channel.members,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }
    if count:
        body["num_members"] = len(channel.members)
    return body


def reactions_json(message: Message, cut: int | None = None) -> list[Json]:
    """Return the reactions with exact counts; `users` is truncated after `cut` names."""
    return [
        {"name": name, "users": list(users[:cut]), "count": len(users)} for name, users in message.reactions.items()
    ]


def message_json(workspace: Workspace, message: Message, *, metadata: bool = False) -> Json:
    """Return a message without its files."""
    body: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": workspace.id}
    optional: Json = {
        "bot_id": message.bot_id,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    if message.edited_ts:
        body["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.reactions:
        body["reactions"] = reactions_json(message)
    if message.replies:
        body |= {"thread_ts": message.ts, "reply_count": len(message.replies)}
        body["latest_reply"] = message.replies[-1]
    if metadata and message.metadata is not None:
        body["metadata"] = message.metadata
    if message.visible_to:
        body["is_ephemeral"] = True
    return body


def file_json(file: File, base_url: str) -> Json:
    """Return a file as `files.info` does."""
    url = f"{base_url}/files/{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "size": file.length,
        "mode": "hosted",
        "url_private": url,
        "url_private_download": url,
        "permalink": url,
        "alt_txt": file.alt_text,
        "channels": list(file.channels),
    }
