"""Block Kit: the small parts that every message, modal and page is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tierbot.adapters.slack.block_kit.text import clean

TEXT_LIMIT = 3000  # Slack's, for a section and for a context element


HEADER_LIMIT = 150  # Slack's, for a header


Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What Slack takes: blocks, and the text that notifications and screen readers use instead."""

    text: str
    blocks: tuple[Block, ...]


def section(text: str, *, block_id: str | None = None, accessory: Block | None = None) -> Block:
    """Return a section of mrkdwn. `verbatim` keeps Slack from turning bare urls and names into links."""
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
    if block_id:
        block["block_id"] = block_id
    if accessory:
        block["accessory"] = accessory
    return block


def context(text: str, *, block_id: str | None = None) -> Block:
    """Return one small grey line of mrkdwn."""
    block: Block = {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
    if block_id:
        block["block_id"] = block_id
    return block


def header(text: str) -> Block:
    """Return a header of plain text."""
    return {"type": "header", "text": {"type": "plain_text", "text": clean(text, HEADER_LIMIT), "emoji": True}}


def sections(lines: Iterable[str]) -> list[Block]:
    """Put lines into as few sections as their limit allows; each line is whole mrkdwn and shorter than the limit."""
    chunks: list[str] = []
    for line in lines:
        if chunks and len(chunks[-1]) + 1 + len(line) <= TEXT_LIMIT:
            chunks[-1] += "\n" + line
        else:
            chunks.append(line)
    return [section(chunk) for chunk in chunks]


def listing(lines: Sequence[str], most: int, noun: str) -> list[str]:
    """Return at most `most` lines and, where some are left out, one that says how many."""
    left = len(lines) - most
    return [*lines[:most], f"… and {left} more {noun}"] if left > 0 else list(lines)
