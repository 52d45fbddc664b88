"""Block Kit, validated as strictly as Slack does, in messages (`validate_blocks`), modals and App Home (`validate_view`)."""

from collections.abc import Iterator
from typing import Any

from tierbot.sandbox.blocks.checks import (
    Check,
    anything,
    array,
    by_type,
    exactly_one,
    plain,
    problem,
    shape,
    string,
    text,
    url,
)
from tierbot.sandbox.blocks.elements import ACCESSORY, ACTION, ALT_TEXT, IMAGE, IMAGE_SOURCE, INPUT


def validate_blocks(blocks: Any) -> list[str]:
    """Return the errors that Slack would report in a message's blocks; empty if they are valid."""
    return list(_MESSAGE(blocks, "/blocks"))


def validate_view(view: Any) -> list[str]:
    """Return the errors that Slack would report in a modal or an App Home; empty if it is valid."""
    return list(_VIEW(view, "/view"))


def iter_elements(blocks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every interactive element with its block."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for block in blocks:
        listed = block.get("elements")
        items = [block.get("accessory"), block.get("element"), *(listed if isinstance(listed, list) else ())]
        named = (item for item in items if isinstance(item, dict) and isinstance(item.get("action_id"), str))
        found.extend((block, item) for item in named if item["action_id"])
    return found


def _block(required: dict[str, Check], optional: dict[str, Check], *rules: Check, strict: bool = True) -> Check:
    others = {"type"} if strict else None
    return shape(required, {"block_id": string(255), **optional}, *rules, _unique_action_ids, others=others)


def _unique_action_ids(block: dict[str, Any], where: str) -> Iterator[str]:
    action_ids = [element["action_id"] for _, element in iter_elements([block])]
    for repeated in sorted({item for item in action_ids if action_ids.count(item) > 1}):
        yield problem(f"`action_id` already exists: {repeated}", f"{where}/elements")


def _text_or_fields(section: dict[str, Any], where: str) -> Iterator[str]:
    if "text" not in section and "fields" not in section:
        yield problem("missing required field: text or fields", where)


def _image_or_text(item: Any, where: str) -> Iterator[str]:
    is_image = isinstance(item, dict) and item.get("type") == "image"
    return (IMAGE if is_image else text(3000))(item, where)


_ANYWHERE = {
    "section": _block(
        {},
        {"text": text(3000), "fields": array(text(2000), most=10), "accessory": ACCESSORY, "expand": anything},
        _text_or_fields,
    ),
    "header": _block({"text": plain(150)}, {"level": anything}),
    "divider": _block({}, {}),
    "image": _block({"alt_text": ALT_TEXT}, {**IMAGE_SOURCE, "title": plain(2000)}, exactly_one(*IMAGE_SOURCE)),
    "context": _block({"elements": array(_image_or_text, most=10)}, {}),
    "actions": _block({"elements": array(ACTION, most=25)}, {}),
    "input": _block(
        {"label": plain(2000), "element": INPUT},
        {"hint": plain(2000), "optional": anything, "dispatch_action": anything},
    ),
    **dict.fromkeys(("rich_text", "context_actions"), _block({"elements": array(least=0)}, {}, strict=False)),
    "video": _block(
        {"title": plain(199), "alt_text": ALT_TEXT, "video_url": url, "thumbnail_url": url}, {}, strict=False
    ),
}
_IN_MESSAGES = {
    "markdown": _block({"text": string(12_000, least=1)}, {}, strict=False),
    "file": _block({"external_id": string(255, least=1)}, {}, strict=False),
    "table": _block({"rows": array(most=100)}, {}, strict=False),
}


def _blocks(kinds: dict[str, Check], most: int) -> Check:
    each = array(by_type(kinds), most=most, least=0)

    def check(blocks: Any, where: str) -> Iterator[str]:
        yield from each(blocks, where)
        seen = set()
        for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
            block_id = block.get("block_id") if isinstance(block, dict) else None
            if isinstance(block_id, str) and block_id in seen:
                yield problem(f"`block_id` already exists: {block_id}", f"{where}/{index}/block_id")
            seen.add(str(block_id))

    return check


def _submit_with_input(modal: dict[str, Any], where: str) -> Iterator[str]:
    blocks = modal["blocks"] if isinstance(modal.get("blocks"), list) else ()
    has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if has_input and "submit" not in modal:
        yield problem("missing required field: submit", where)


_MESSAGE = _blocks({**_ANYWHERE, **_IN_MESSAGES}, most=50)
_VIEW_BLOCKS = {"blocks": _blocks(_ANYWHERE, most=100)}
_VIEW_OPTIONS = {"private_metadata": string(3000), "callback_id": string(255), "external_id": string(255)}
_VIEW = by_type(
    {
        "modal": shape(
            {"title": plain(24), **_VIEW_BLOCKS},
            {"submit": plain(24), "close": plain(24), **_VIEW_OPTIONS},
            _submit_with_input,
        ),
        "home": shape(_VIEW_BLOCKS, _VIEW_OPTIONS),
    }
)
