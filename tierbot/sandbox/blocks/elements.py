"""Validate Block Kit's interactive elements and options."""

from collections.abc import Callable
from typing import Any

from tierbot.sandbox.blocks.checks import Findings, kind_of

PLAIN = ("plain_text",)
_COMMON = {"type", "action_id", "confirm", "focus_on_load"}
SELECTS = {
    f"{prefix}{kind}_select"
    for prefix in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
}
PICKERS = {"datepicker", "timepicker", "datetimepicker"}
INPUTS = {
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "checkboxes",
    "radio_buttons",
    "rich_text_input",
    "file_input",
    *SELECTS,
    *PICKERS,
}
ACTIONS = {"button", "overflow", "checkboxes", "radio_buttons", "workflow_button", *SELECTS, *PICKERS}
ACCESSORIES = {*ACTIONS, "image"}
_MAX_OPTIONS = 100


def check_element(element: Any, where: str, allowed: set[str], findings: Findings) -> None:
    """Check one element; its type must be in `allowed`."""
    if not isinstance(element, dict):
        findings.add("must be an object", where)
        return
    kind = kind_of(element)
    if kind not in allowed:
        findings.add(f"unsupported type: {kind}", f"{where}/type")
        return
    if kind == "image":
        check_image(element, where, findings)
        return
    findings.string(element, "action_id", where, longest=255)
    check_confirm(element, where, findings)
    checker = _CHECKERS.get(kind)
    if checker is not None:
        checker(element, where, findings)
    elif kind in SELECTS:
        _check_select(element, where, findings)
    elif kind in PICKERS:
        findings.text(element, "placeholder", where, longest=150, kinds=PLAIN)


def check_image(image: dict[str, Any], where: str, findings: Findings) -> None:
    """Check an image element: one source and alternative text."""
    findings.unknown(image, {"type", "image_url", "alt_text", "slack_file"}, where)
    check_image_source(image, where, findings)


def check_image_source(image: dict[str, Any], where: str, findings: Findings) -> None:
    """Check the fields shared by image elements and image blocks."""
    findings.string(image, "alt_text", where, longest=2000, required=True)
    if ("image_url" in image) == ("slack_file" in image):
        findings.add("exactly one of image_url, slack_file is required", where)
    findings.url(image, "image_url", where)
    file = image.get("slack_file")
    if file is not None and (not isinstance(file, dict) or len({"id", "url"} & set(file)) != 1):
        findings.add("must have exactly one of id, url", f"{where}/slack_file")


def check_confirm(element: dict[str, Any], where: str, findings: Findings) -> None:
    """Check a confirmation dialog."""
    confirm = element.get("confirm")
    if confirm is None:
        return
    where = f"{where}/confirm"
    if not isinstance(confirm, dict):
        findings.add("must be an object", where)
        return
    findings.text(confirm, "title", where, longest=100, kinds=PLAIN, required=True)
    findings.text(confirm, "text", where, longest=300, required=True)
    findings.text(confirm, "confirm", where, longest=30, kinds=PLAIN, required=True)
    findings.text(confirm, "deny", where, longest=30, kinds=PLAIN, required=True)


def check_options(item: dict[str, Any], key: str, where: str, findings: Findings, *, most: int, least: int = 1) -> None:
    """Check a list of options."""
    for index, option in enumerate(findings.array(item, key, where, most=most, least=least) or ()):
        _check_option(option, f"{where}/{key}/{index}", findings)


def _check_option(option: Any, where: str, findings: Findings) -> None:
    if not isinstance(option, dict):
        findings.add("must be an object", where)
        return
    findings.unknown(option, {"text", "value", "description", "url"}, where)
    findings.text(option, "text", where, longest=75, required=True)
    findings.text(option, "description", where, longest=75)
    findings.string(option, "value", where, longest=150, required=True)
    findings.url(option, "url", where)


def check_option_groups(item: dict[str, Any], where: str, findings: Findings) -> None:
    """Check groups of options."""
    groups = findings.array(item, "option_groups", where, most=_MAX_OPTIONS) or ()
    for index, group in enumerate(groups):
        pointer = f"{where}/option_groups/{index}"
        if not isinstance(group, dict):
            findings.add("must be an object", pointer)
            continue
        findings.text(group, "label", pointer, longest=75, kinds=PLAIN, required=True)
        findings.require(group, "options", pointer)
        check_options(group, "options", pointer, findings, most=_MAX_OPTIONS)


def _check_button(element: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(element, _COMMON | {"text", "url", "value", "style", "accessibility_label", "workflow"}, where)
    findings.text(element, "text", where, longest=75, kinds=PLAIN, required=True)
    findings.string(element, "value", where, longest=2000)
    findings.string(element, "accessibility_label", where, longest=75)
    findings.url(element, "url", where)
    if element.get("style") not in (None, "primary", "danger"):
        findings.add("must be one of: primary, danger", f"{where}/style")


def _check_overflow(element: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(element, _COMMON | {"options"}, where)
    findings.require(element, "options", where)
    check_options(element, "options", where, findings, most=5)


def _check_choices(element: dict[str, Any], where: str, findings: Findings) -> None:
    findings.unknown(element, _COMMON | {"options", "initial_options", "initial_option"}, where)
    findings.require(element, "options", where)
    check_options(element, "options", where, findings, most=10)


def _check_input_text(element: dict[str, Any], where: str, findings: Findings) -> None:
    findings.text(element, "placeholder", where, longest=150, kinds=PLAIN)
    findings.string(element, "initial_value", where, longest=3000)
    least, most = element.get("min_length"), element.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        findings.add("min_length must not be greater than max_length", where)


def _check_select(element: dict[str, Any], where: str, findings: Findings) -> None:
    findings.text(element, "placeholder", where, longest=150, kinds=PLAIN)
    if element["type"] in {"static_select", "multi_static_select"}:
        if ("options" in element) == ("option_groups" in element):
            findings.add("exactly one of options, option_groups is required", where)
        check_options(element, "options", where, findings, most=_MAX_OPTIONS)
        check_option_groups(element, where, findings)
    if "initial_option" in element:
        _check_option(element["initial_option"], f"{where}/initial_option", findings)
    check_options(element, "initial_options", where, findings, most=_MAX_OPTIONS)


_CHECKERS: dict[str, Callable[[dict[str, Any], str, Findings], None]] = {
    "button": _check_button,
    "workflow_button": _check_button,
    "overflow": _check_overflow,
    "checkboxes": _check_choices,
    "radio_buttons": _check_choices,
    "plain_text_input": _check_input_text,
    "email_text_input": _check_input_text,
    "url_text_input": _check_input_text,
    "number_input": _check_input_text,
}
