"""Modals and App Home: their outer structure and the elements that they share."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, plain, section
from tierbot.adapters.slack.block_kit.text import emoji, safe
from tierbot.domain.tags import TagSpace

View = dict[str, Any]
_TITLE, _BUTTON, _NAME, _MOST_BLOCKS = 24, 75, 60, 100


class Button(StrEnum):
    """The buttons of App Home and of the messages that offer the same actions."""

    FIVE = "tierbot_send_me_five"
    QUIET = "tierbot_opt_out"
    LOUD = "tierbot_opt_in"
    LEGEND = "tierbot_legend"


def modal(
    title: str, blocks: Iterable[Block], *, callback_id: str = "", submit: str = "", private: str = "", close: str = ""
) -> View:
    """Return a modal; its submission carries `private`."""
    view: View = {"type": "modal", "title": plain(title, _TITLE), "blocks": list(blocks)[:_MOST_BLOCKS]}
    if close or not submit:
        view["close"] = plain(close or "Close", _TITLE)
    if submit:
        view |= {"submit": plain(submit, _TITLE), "callback_id": callback_id, "private_metadata": private}
    return view


def notice(title: str, text: str) -> View:
    """Return a modal with one text (mrkdwn)."""
    return modal(title, [section(text)])


def button(text: str, action_id: str, *, style: str = "") -> Block:
    """Return a button."""
    made: Block = {"type": "button", "text": plain(text, _BUTTON), "action_id": action_id}
    return made | ({"style": style} if style else {})


def actions(buttons: Sequence[Block], block_id: str) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)}


def tag_label(tag_id: str, tags: TagSpace) -> str:
    """Return a tag as mrkdwn: its emoji and name, or its id if the tag space no longer has it."""
    if tag_id not in tags:
        return safe(tag_id, _NAME)
    return f"{emoji(tags[tag_id].short_name)} {safe(tags[tag_id].name, _NAME)}"
