"""Validate blocks and fill in missing ids, as Slack does before showing them."""

from typing import Any

from tierbot.sandbox.blocks import validate_blocks
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.ids import Mint
from tierbot.sandbox.kit.records import Json
from tierbot.sandbox.state.files import Files


def checked_blocks(files: Files, mint: Mint, blocks: Any) -> list[Json]:
    """Return the blocks with their ids filled in. Raises `invalid_blocks`."""
    problems = validate_blocks(blocks)
    if problems:
        raise SlackError("invalid_blocks", messages=problems)
    files.check_images(blocks)
    return [fill_ids(mint, block) for block in blocks]


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
