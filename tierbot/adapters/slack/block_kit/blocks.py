"""Block Kit: the building blocks of every message, modal and page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tierbot.adapters.slack.block_kit.text import clean

TEXT_LIMIT = 3000  # Slack's limit for a section and for a context element

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """Blocks, and the text that notifications and screen readers use instead."""

    text: str
    blocks: tuple[Block, ...]

    def as_arguments(self) -> dict[str, Any]:
        """Return the arguments for a call that sends the message."""
        return {"text": self.text, "blocks": list(self.blocks)}


def plain(text: str, limit: int) -> Block:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": clean(text, limit), "emoji": True}


def message(text: str) -> Message:
    """Return a message of one section of mrkdwn."""
    return Message(text, (section(text),))


def with_lines(said: Message, lines: Sequence[str]) -> Message:
    """Return a message that begins with these lines of mrkdwn."""
    return Message("\n".join((*lines, said.text)), (*sections(lines), *said.blocks))


def section(text: str, *, block_id: str | None = None, accessory: Block | None = None) -> Block:
    """Return a section of mrkdwn. `verbatim` stops Slack from linking bare URLs and names."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
    return block | ({"block_id": block_id} if block_id else {}) | ({"accessory": accessory} if accessory else {})


def context(text: str, *, block_id: str | None = None) -> Block:
    """Return one small gray line of mrkdwn."""
    block: Block = {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
    return block | ({"block_id": block_id} if block_id else {})


def header(text: str) -> Block:
    """Return a header of plain text."""
    return {"type": "header", "text": plain(text, 150)}


def sections(lines: Iterable[str]) -> list[Block]:
    """Pack lines into as few sections as possible; each line is complete mrkdwn, shorter than TEXT_LIMIT."""
    chunks: list[str] = []
    for line in lines:
        if chunks and len(chunks[-1]) + 1 + len(line) <= TEXT_LIMIT:
            chunks[-1] += "\n" + line
        else:
            chunks.append(line)
    return [section(chunk) for chunk in chunks]


def listing(lines: Sequence[str], most: int, noun: str) -> list[str]:
    """Return up to `most` lines, plus one that counts those left out."""
    left = len(lines) - most
    return [*lines[:most], f"… and {left} more {noun}"] if left > 0 else list(lines)
