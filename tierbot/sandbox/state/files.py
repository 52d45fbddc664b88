"""Uploaded files: reserve, upload, complete, and a short time of processing; and the blocks that may show them."""

import mimetypes
from collections.abc import Callable
from typing import Any

from tierbot.sandbox.blocks import validate_blocks
from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.errors import SlackError, get_or_refuse
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.records import File, Json, Message
from tierbot.sandbox.state.payloads import file_json


class Files:
    """All files of a workspace, in memory."""

    def __init__(self, clock: Clock, mint: Mint, processing: float, base_url: Callable[[], str]) -> None:
        self._clock = clock
        self._mint = mint
        self._processing = processing
        self._base_url = base_url
        self._files: dict[str, File] = {}
        self._uploads: dict[str, str] = {}

    def __contains__(self, key: str) -> bool:
        """Return whether this is an upload token or a file id of this workspace."""
        return key in self._uploads or key in self._files

    def promise(self, name: str, length: int, alt_text: str) -> tuple[File, str]:
        """Reserve a file; return it and its upload token."""
        file = File(self._mint.id("F"), name, length, int(self._clock.time()), alt_text=alt_text)
        file.mimetype = mimetypes.guess_type(name)[0] or file.mimetype
        self._files[file.id] = file
        token = self._mint.hex(32)
        self._uploads[token] = file.id
        return file, token

    def fill(self, token: str, content: bytes) -> File:
        """Store the bytes of a reserved file."""
        file = self._files[get_or_refuse(self._uploads, token, "file_not_found")]
        del self._uploads[token]
        if len(content) != file.length:
            raise SlackError("file_upload_size_mismatch")
        file.content = content
        return file

    def complete(self, file_id: str, title: str | None) -> File:
        """Finish an upload whose bytes have arrived."""
        file = get_or_refuse(self._files, file_id, "file_not_found")
        if file.content is None:
            raise SlackError("file_not_found")
        file.title = title or file.name
        file.completed_at = self._clock.time()
        return file

    def get(self, file_id: str) -> File:
        """Return a completed file."""
        file = get_or_refuse(self._files, file_id, "file_not_found")
        if file.completed_at is None:
            raise SlackError("file_not_found")
        return file

    def is_ready(self, file: File) -> bool:
        """Return whether the file has been processed."""
        return file.completed_at is not None and self._clock.time() >= file.completed_at + self._processing

    def of(self, message: Message) -> list[Json]:
        """Return a message's files as JSON."""
        return [file_json(self._files[file_id], self._base_url()) for file_id in message.files]

    def checked_blocks(self, blocks: Any) -> list[Json]:
        """Return a message's blocks with their ids filled in. Raises `invalid_blocks`, also for a file that isn't ready."""
        if problems := validate_blocks(blocks):
            raise SlackError("invalid_blocks", messages=problems)
        for index, block in enumerate(blocks):
            for image in (block, block.get("accessory")):
                source = image.get("slack_file") if isinstance(image, dict) else None
                if not isinstance(source, dict):
                    continue
                file = self._files.get(str(source.get("id") or str(source.get("url", "")).rsplit("/", 1)[-1]))
                if file is None or not self.is_ready(file):
                    where = f"[json-pointer:/blocks/{index}/slack_file]"
                    raise SlackError("invalid_blocks", messages=[f"invalid slack file {where}"])
        return [fill_ids(self._mint, block) for block in blocks]


def fill_ids(mint: Mint, block: Json) -> Json:
    """Return the block with any missing `block_id` and `action_id`s filled in."""
    filled = {**block}
    filled.setdefault("block_id", mint.hex(5))

    def named(element: Any) -> Any:
        plain = not isinstance(element, dict) or element.get("type") in {"image", "plain_text", "mrkdwn"}
        return element if plain else {"action_id": mint.hex(5), **element}

    if filled["type"] in {"actions", "context_actions"}:
        filled["elements"] = [named(element) for element in filled["elements"]]
    for key in ("accessory", "element"):
        if key in filled:
            filled[key] = named(filled[key])
    return filled
