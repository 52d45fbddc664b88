"""Block Kit's images, options and interactive elements."""

from collections.abc import Iterator
from typing import Any

from tierbot.sandbox.blocks.checks import (
    anything,
    array,
    by_type,
    choice,
    exactly_one,
    plain,
    problem,
    shape,
    string,
    text,
    url,
)

ALT_TEXT = string(2000, least=1)
IMAGE_SOURCE = {"image_url": url, "slack_file": shape({}, {}, exactly_one("id", "url"))}
IMAGE = shape({"alt_text": ALT_TEXT}, IMAGE_SOURCE, exactly_one(*IMAGE_SOURCE), others={"type"})

_OPTION = shape({"text": text(75), "value": string(150, least=1)}, {"description": text(75), "url": url}, others=())
_OPTIONS = array(_OPTION, most=100)
_GROUPS = array(shape({"label": plain(75), "options": _OPTIONS}, {}), most=100)


def _lengths_in_order(element: dict[str, Any], where: str) -> Iterator[str]:
    least, most = element.get("min_length"), element.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield problem("min_length must not be greater than max_length", where)


_COMMON = {
    "action_id": string(255),
    "confirm": shape({"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {}),
}
_HINTED = {**_COMMON, "placeholder": plain(150)}
_SELECT = {**_HINTED, "initial_option": _OPTION, "initial_options": _OPTIONS}
_OTHERS = {"type", "focus_on_load"}
_BUTTON_FIELDS = {
    "value": string(2000),
    "accessibility_label": string(75),
    "url": url,
    "style": choice("primary", "danger"),
    "workflow": anything,
}

_BUTTON = shape({"text": plain(75)}, {**_COMMON, **_BUTTON_FIELDS}, others=_OTHERS)
_CHOICES = shape({"options": array(_OPTION, most=10)}, _COMMON, others={*_OTHERS, "initial_options", "initial_option"})
_STATIC_SELECT = shape(
    {}, {**_SELECT, "options": _OPTIONS, "option_groups": _GROUPS}, exactly_one("options", "option_groups")
)
_TEXT_INPUTS = dict.fromkeys(
    ("plain_text_input", "email_text_input", "url_text_input", "number_input"),
    shape({}, {**_HINTED, "initial_value": string(3000)}, _lengths_in_order),
)
_ANYWHERE = {
    "checkboxes": _CHOICES,
    "radio_buttons": _CHOICES,
    **dict.fromkeys(("static_select", "multi_static_select"), _STATIC_SELECT),
    **{
        f"{prefix}{kind}_select": shape({}, _SELECT)
        for prefix in ("", "multi_")
        for kind in ("external", "users", "conversations", "channels")
    },
    **dict.fromkeys(("datepicker", "timepicker", "datetimepicker"), shape({}, _HINTED)),
}
_ACTIONS = {
    "button": _BUTTON,
    "workflow_button": _BUTTON,
    "overflow": shape({"options": array(_OPTION, most=5)}, _COMMON, others=_OTHERS),
    **_ANYWHERE,
}

ACTION = by_type(_ACTIONS)
ACCESSORY = by_type({**_ACTIONS, "image": IMAGE})
INPUT = by_type({**_TEXT_INPUTS, **_ANYWHERE, **dict.fromkeys(("rich_text_input", "file_input"), shape({}, _COMMON))})
