"""Convert what a colleague picked or typed in an interactive element to Slack's JSON."""

from typing import Any

from tierbot.sandbox.blocks import iter_elements
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.records import Json

_PICKED = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
}
_MANY = {"checkboxes", "multi_static_select", "multi_external_select"}
_ONE = {"radio_buttons", "static_select", "external_select", "overflow"}
_INITIAL = ("initial_value", "initial_option", "initial_options", "initial_date", "initial_time")


def find_element(blocks: list[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json]:
    """Return the block and element with this action id. Raises `action_not_found`."""
    for block, element in iter_elements(blocks):
        if element["action_id"] == action_id and block_id in {None, "", block["block_id"]}:
            return block, element
    raise SlackError("action_not_found")


def options_of(element: Json) -> list[Json]:
    """Return an element's options, including those in groups."""
    grouped = [option for group in element.get("option_groups") or () for option in group["options"]]
    return [*(element.get("options") or ()), *grouped]


def _chosen(element: Json, value: Any, offered: list[Json]) -> Json:
    # `value` is a string, an option, or a list of either; `offered` are the app's options for an external select.
    kind = element["type"]
    state: Json = {"type": kind}
    if kind in _MANY:
        values = value if isinstance(value, list) else [] if value is None else [value]
        state["selected_options"] = [_option(element, item, offered) for item in values]
    elif kind in _ONE:
        state["selected_option"] = None if value is None else _option(element, value, offered)
    elif kind in _PICKED:
        state[_PICKED[kind]] = value
    elif kind != "button":
        state["value"] = None if value is None else str(value)
    return state


def _option(element: Json, value: Any, offered: list[Json]) -> Json:
    picked = value.get("value") if isinstance(value, dict) else value
    for option in (*options_of(element), *offered):
        if option.get("value") == picked:
            return option
    raise SlackError("option_not_found")


def action(block: Json, element: Json, value: Any, action_ts: str, offered: dict[str, list[Json]]) -> Json:
    """Return the entry in `actions` for a click or a pick."""
    body: Json = {"action_id": element["action_id"], "block_id": block["block_id"], "action_ts": action_ts}
    if element["type"] == "button":
        body |= {"type": "button", "text": element["text"]}
        return body | {key: element[key] for key in ("value", "url", "style") if key in element}
    return body | _chosen(element, value, offered.get(element["action_id"], []))


def form_state(blocks: list[Json], values: Json, offered: dict[str, list[Json]]) -> Json:
    """Return `state.values` of a view for `values`: `{action_id: value}` or `{block_id: {action_id: value}}`."""
    state: Json = {}
    for block, element in iter_elements(blocks):
        if element["type"] in {"button", "overflow"}:
            continue
        action_id, block_id = element["action_id"], block["block_id"]
        nested = values.get(block_id)
        initial = next((element[key] for key in _INITIAL if key in element), None)
        value = nested.get(action_id) if isinstance(nested, dict) else values.get(action_id, initial)
        if isinstance(value, dict) and "type" in value and "value" not in value:
            state.setdefault(block_id, {})[action_id] = value
            continue
        entry = _chosen(element, value, offered.get(action_id, []))
        is_empty = not any(value for key, value in entry.items() if key != "type")
        if block["type"] == "input" and not block.get("optional") and is_empty:
            raise SlackError("missing_required_input", block_id=block_id)
        state.setdefault(block_id, {})[action_id] = entry
    return state
