"""Upload a picture in Slack's three steps and share it in a channel.

An upload without a channel stays private to the bot, and Slack refuses image blocks that refer to it until it has
processed the file. A file has no metadata, so its name contains the delivery's id.
"""

from collections.abc import Mapping
from typing import Any

import httpx
from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.text import clean
from tierbot.adapters.slack.calls import call
from tierbot.adapters.slack.needs import Needs
from tierbot.use_cases.ports import ChatUnavailableError

NEEDS = Needs(
    methods={"files.getUploadURLExternal": ("files:write",), "files.completeUploadExternal": ("files:write",)}
)
_TIMEOUT = 60  # seconds
_TITLE, _ALT = 200, 1000


def share_picture(client: WebClient, channel: str, png: bytes, delivery_id: str, title: str, alt: str) -> str:
    """Upload a PNG and share it in a channel; return the file's id.

    Raises ChatError, RateLimitedError or ChatUnavailableError. If the last step fails, nobody sees the file.
    """
    promised = call(
        client.files_getUploadURLExternal, filename=file_name(delivery_id), length=len(png), alt_txt=clean(alt, _ALT)
    )
    _send(str(promised["upload_url"]), png)
    file_id = str(promised["file_id"])
    call(
        client.files_completeUploadExternal, files=[{"id": file_id, "title": clean(title, _TITLE)}], channel_id=channel
    )
    return file_id


def file_name(delivery_id: str) -> str:
    """Return the name of a delivery's file."""
    return f"tierbot-{delivery_id}.png"


def carries(message: Mapping[str, Any], delivery_id: str) -> bool:
    """Return whether a message shares a delivery's file."""
    return any(file.get("name") == file_name(delivery_id) for file in message.get("files") or ())


def _send(url: str, png: bytes) -> None:
    try:
        answer = httpx.post(url, content=png, timeout=_TIMEOUT, headers={"Content-Type": "application/octet-stream"})
    except httpx.HTTPError as fault:
        raise ChatUnavailableError(f"Uploading the picture failed ({type(fault).__name__}: {fault}).") from fault
    if not answer.is_success:
        raise ChatUnavailableError(f"Uploading the picture failed: Slack answered {answer.status_code}.")
