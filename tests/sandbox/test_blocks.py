"""Block Kit's rules, and that no junk makes their check stumble."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import JUNK
from tierbot.sandbox.blocks import validate_blocks, validate_view

PLAIN = {"type": "plain_text", "text": "x"}
MRKDWN = {"type": "mrkdwn", "text": "x"}


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "sectoin", "text": MRKDWN}, "unsupported type"),
        ({"type": "section"}, "missing required field"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "less than 3001"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "more than 0"),
        ({"type": "section", "text": {"type": "html", "text": "x"}}, "must be one of"),
        ({"type": "section", "text": MRKDWN, "colour": "red"}, "colour"),
        ({"type": "section", "fields": [MRKDWN] * 11}, "no more than 10"),
        ({"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}, "less than 2001"),
        ({"type": "header", "text": MRKDWN}, "must be one of: plain_text"),
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}, "less than 151"),
        ({"type": "context", "elements": [MRKDWN] * 11}, "no more than 10"),
        ({"type": "image", "image_url": "https://example.com/x.png"}, "alt_text"),
        ({"type": "image", "image_url": "javascript:alert(1)", "alt_text": "x"}, "valid http"),
        ({"type": "image", "image_url": "https://e.com/" + "x" * 3000, "alt_text": "x"}, "less than 3001"),
        ({"type": "divider", "block_id": "x" * 256}, "less than 256"),
        ({"type": "actions", "elements": []}, "no fewer than 1"),
        ({"type": "actions", "elements": [{"type": "button", "text": MRKDWN}]}, "plain_text"),
        ({"type": "actions", "elements": [{"type": "button", "text": PLAIN, "action_id": "a"}] * 2}, "already exists"),
        ({"type": "actions", "elements": [{"type": "static_select", "action_id": "a"}]}, "options"),
        (
            {"type": "actions", "elements": [{"type": "overflow", "options": [{"text": PLAIN, "value": "x" * 151}]}]},
            "less than 151",
        ),
        (
            {
                "type": "actions",
                "elements": [{"type": "overflow", "options": [{"text": {**PLAIN, "text": "x" * 76}, "value": "v"}]}],
            },
            "less than 76",
        ),
        ({"type": "input", "label": MRKDWN, "element": {"type": "plain_text_input"}}, "plain_text"),
    ],
)
def test_a_bad_block_is_refused_with_its_reason(block: dict[str, Any], complaint: str) -> None:
    problems = validate_blocks([block])
    assert any(complaint in problem for problem in problems), problems
    assert all("json-pointer:/blocks/0" in problem for problem in problems)


def test_blocks_are_counted_and_their_ids_are_unique() -> None:
    assert validate_blocks([{"type": "divider"}] * 50) == []
    assert "no more than 50" in validate_blocks([{"type": "divider"}] * 51)[0]
    assert "already exists" in validate_blocks([{"type": "divider", "block_id": "a"}] * 2)[0]
    assert validate_blocks("x") != []
    assert validate_blocks([None]) != []


def test_views_need_a_title_and_a_submit_button_for_their_inputs() -> None:
    block = {"type": "input", "label": PLAIN, "element": {"type": "plain_text_input"}}
    assert any("submit" in item for item in validate_view({"type": "modal", "title": PLAIN, "blocks": [block]}))
    assert any("title" in item for item in validate_view({"type": "modal", "blocks": []}))
    long = {"type": "plain_text", "text": "x" * 25}
    assert any("less than 25" in item for item in validate_view({"type": "modal", "title": long, "blocks": []}))
    assert validate_view({"type": "home", "blocks": []}) == []


BAD_ELEMENTS = ({}, {"type": None}, {"type": []}, "x", None, 1, {"type": "button", "text": [], "action_id": {}})


@pytest.mark.parametrize(
    "kind", ["section", "actions", "context", "input", "image", "header", "table", "rich_text", "video"]
)
def test_no_block_makes_the_validator_stumble(kind: str) -> None:
    for junk in (*JUNK, *BAD_ELEMENTS):
        for key in ("text", "fields", "accessory", "elements", "element", "label", "block_id", "rows", "alt_text"):
            validate_blocks([{"type": kind, key: junk}])
            validate_blocks([{"type": kind, key: [junk]}])
            validate_view({"type": "modal", "title": junk, "blocks": [{"type": kind, key: junk}]})
        for options in ([junk], junk):
            for element in ("static_select", "overflow", "checkboxes", "radio_buttons"):
                item = {
                    "type": element,
                    "action_id": "a",
                    "options": options,
                    "option_groups": options,
                    "confirm": junk,
                }
                validate_blocks([{"type": "actions", "elements": [item]}])
