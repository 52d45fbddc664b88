"""Validate Block Kit as strictly as Slack does: `validate_blocks` for messages, `validate_view` for modals and App Home."""

from collections.abc import Callable
from typing import Any

from tierbot.sandbox.blocks.checks import Findings, kind_of
from tierbot.sandbox.blocks.elements import (
    ACCESSORIES,
    ACTIONS,
    INPUTS,
    PLAIN,
    check_element,
    check_image_source,
)

__all__ = ["iter_elements", "validate_blocks", "validate_view"]

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
_MAX_MARKDOWN = 12_000


def validate_blocks(blocks: Any, *, surface: str = "message", most: int = MAX_BLOCKS) -> list[str]:
    """Return the errors that Slack would report in a message's blocks; empty if they are valid."""
    findings = Findings()
    if not isinstance(blocks, list):
        return ["must be an array [json-pointer:/blocks]"]
    if len(blocks) > most:
        findings.add(f"no more than {most} items allowed", "/blocks")
    for index, block in enumerate(blocks):
        _check_block(block, f"/blocks/{index}", surface, findings)
    return findings.messages


def validate_view(view: Any) -> list[str]:
    """Return the errors that Slack would report in a modal or an App Home; empty if it is valid."""
    if not isinstance(view, dict):
        return ["must be an object [json-pointer:/view]"]
    findings = Findings()
    kind = kind_of(view)
    if kind not in {"modal", "home"}:
        findings.add("must be one of: modal, home", "/view/type")
    findings.require(view, "blocks", "/view")
    findings.string(view, "private_metadata", "/view", longest=3000)
    findings.string(view, "callback_id", "/view", longest=255)
    findings.string(view, "external_id", "/view", longest=255)
    blocks = view.get("blocks") or []
    if kind == "modal":
        findings.text(view, "title", "/view", longest=24, kinds=PLAIN, required=True)
        findings.text(view, "submit", "/view", longest=24, kinds=PLAIN)
        findings.text(view, "close", "/view", longest=24, kinds=PLAIN)
        has_input = isinstance(blocks, list) and any(
            isinstance(block, dict) and block.get("type") == "input" for block in blocks
        )
        if has_input and "submit" not in view:
            findings.add("missing required field: submit", "/view")
    return findings.messages + validate_blocks(blocks, surface=kind, most=MAX_VIEW_BLOCKS)


def iter_elements(blocks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every interactive element with its block."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for block in blocks:
        listed = block.get("elements")
        items = [block.get("accessory"), block.get("element"), *(listed if isinstance(listed, list) else ())]
        named = (item for item in items if isinstance(item, dict) and isinstance(item.get("action_id"), str))
        found.extend((block, item) for item in named if item["action_id"])
    return found


def _check_block(block: Any, where: str, surface: str, findings: Findings) -> None:
    if not isinstance(block, dict):
        findings.add("must be an object", where)
        return
    findings.claim_block_id(block, where)
    kind = kind_of(block)
    checker = _BLOCKS.get(kind)
    if checker is None or (surface != "message" and kind in {"file", "markdown", "table"}):
        findings.add(f"unsupported type: {kind}", f"{where}/type")
        return
    checker(block, where, findings)
    action_ids = [element["action_id"] for _, element in iter_elements([block])]
    for repeated in sorted({item for item in action_ids if action_ids.count(item) > 1}):
        findings.add(f"`action_id` already exists: {repeated}", f"{where}/elements")


def _check_section(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id", "text", "fields", "accessory", "expand"}, where)
    if "text" not in block and "fields" not in block:
        findings.add("missing required field: text or fields", where)
    findings.text(block, "text", where, longest=3000)
    for index, field in enumerate(findings.array(block, "fields", where, most=10) or ()):
        findings.text_object(field, f"{where}/fields/{index}", longest=2000)
    if "accessory" in block:
        check_element(block["accessory"], f"{where}/accessory", ACCESSORIES, findings)


def _check_header(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id", "text", "level"}, where)
    findings.text(block, "text", where, longest=150, kinds=PLAIN, required=True)


def _check_divider(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id"}, where)


def _check_image_block(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id", "image_url", "slack_file", "alt_text", "title"}, where)
    check_image_source(block, where, findings)
    findings.text(block, "title", where, longest=2000, kinds=PLAIN)


def _check_context(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id", "elements"}, where)
    findings.require(block, "elements", where)
    for index, item in enumerate(findings.array(block, "elements", where, most=10) or ()):
        pointer = f"{where}/elements/{index}"
        if isinstance(item, dict) and item.get("type") == "image":
            check_element(item, pointer, {"image"}, findings)
        else:
            findings.text_object(item, pointer, longest=3000)


def _check_actions(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(block, {"type", "block_id", "elements"}, where)
    findings.require(block, "elements", where)
    for index, item in enumerate(findings.array(block, "elements", where, most=25) or ()):
        check_element(item, f"{where}/elements/{index}", ACTIONS, findings)


def _check_input(block: dict[str, Any], where: str, findings: Findings) -> None:
    allowed = {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"}
    findings.unknown(block, allowed, where)
    findings.text(block, "label", where, longest=2000, kinds=PLAIN, required=True)
    findings.text(block, "hint", where, longest=2000, kinds=PLAIN)
    findings.require(block, "element", where)
    if "element" in block:
        check_element(block["element"], f"{where}/element", INPUTS, findings)


def _check_markdown(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.string(block, "text", where, longest=_MAX_MARKDOWN, required=True)


def _check_elements_present(block: dict[str, Any], where: str, findings: Findings) -> None:
    if not isinstance(block.get("elements"), list):
        findings.add("missing required field: elements", where)


def _check_video(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.text(block, "title", where, longest=199, kinds=PLAIN, required=True)
    findings.string(block, "alt_text", where, longest=2000, required=True)
    findings.url(block, "video_url", where, required=True)
    findings.url(block, "thumbnail_url", where, required=True)


def _check_file(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.string(block, "external_id", where, longest=255, required=True)


def _check_table(block: dict[str, Any], where: str, findings: Findings) -> None:
    findings.require(block, "rows", where)
    findings.array(block, "rows", where, most=100)


_BLOCKS: dict[str, Callable[[dict[str, Any], str, Findings], None]] = {
    "section": _check_section,
    "header": _check_header,
    "divider": _check_divider,
    "image": _check_image_block,
    "context": _check_context,
    "actions": _check_actions,
    "input": _check_input,
    "markdown": _check_markdown,
    "rich_text": _check_elements_present,
    "context_actions": _check_elements_present,
    "video": _check_video,
    "file": _check_file,
    "table": _check_table,
}
