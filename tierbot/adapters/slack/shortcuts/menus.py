"""The “Name the right tag” modal: a searchable select menu of all tags, and parsing its submission."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, context, plain
from tierbot.adapters.slack.block_kit.modals import View, modal
from tierbot.adapters.slack.block_kit.text import emoji
from tierbot.domain.nouns import Tag, TierbotError
from tierbot.use_cases.voting.menu_votes import MOST_NAMED, Menu

TITLE = "Name the right tag"
CALLBACK = "name_the_right_tag"
BLOCK, ACTION = "tierbot_named", "tag"
_OPTION, _GROUP = 75, 100  # Slack's limits: characters per option, options per list or group


@dataclass(frozen=True, slots=True)
class Named:
    """A submitted menu: the post's message and the chosen tag ids. `form` identifies the modal."""

    channel: str
    ts: str
    tag_ids: tuple[str, ...]
    form: str


def render_menu(menu: Menu, channel: str, ts: str) -> View:
    """Return the menu for a post, with the user's current choice preselected."""
    tags = sorted(menu.tags.active, key=lambda tag: tag.name.casefold())
    chosen = [_option(tag) for tag in tags if tag.id in menu.chosen]
    select: Block = {
        "type": "multi_static_select",
        "action_id": ACTION,
        "placeholder": plain("Type to search", 150),
        "max_selected_items": MOST_NAMED,
        **({"initial_options": chosen} if chosen else {}),
    }
    if len(tags) <= _GROUP:
        select["options"] = [_option(tag) for tag in tags]
    else:
        select["option_groups"] = [_group(tags[start : start + _GROUP]) for start in range(0, len(tags), _GROUP)]
    asked: Block = {
        "type": "input",
        "block_id": BLOCK,
        "label": plain("What is the story about?", 2000),
        "element": select,
        "optional": True,  # an empty choice withdraws the vote
    }
    how = "This counts as a vote, like a reaction. Choose again to replace it, or choose nothing to take it back."
    place = json.dumps({"channel": channel, "ts": ts})
    return modal(TITLE, [asked, context(how)], callback_id=CALLBACK, submit="Vote", private=place, close="Cancel")


def read_menu(view: Mapping[str, Any]) -> Named:
    """Parse a submission. Raises TierbotError if it isn't from this version's menu."""
    try:
        place = json.loads(view["private_metadata"])
        state = view["state"]["values"][BLOCK][ACTION]
        tag_ids = tuple(dict.fromkeys(str(option["value"]) for option in state.get("selected_options") or ()))
        return Named(str(place["channel"]), str(place["ts"]), tag_ids, str(view["id"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise TierbotError("This form is from another version of me. Please close it and open it again.") from fault


def _option(tag: Tag) -> dict[str, Any]:
    return {"text": plain(f"{emoji(tag.short_name)} {tag.name}", _OPTION), "value": tag.id}


def _group(tags: Sequence[Tag]) -> dict[str, Any]:
    label = f"{tags[0].name[:30]} – {tags[-1].name[:30]}"
    return {"label": plain(label, _OPTION), "options": [_option(tag) for tag in tags]}
