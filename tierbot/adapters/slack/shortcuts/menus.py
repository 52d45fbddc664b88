"""The “Name the right tag” modal: a select menu that finds tags as people type, and parsing its submission."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, context, plain
from tierbot.adapters.slack.block_kit.modals import View, modal
from tierbot.adapters.slack.block_kit.text import emoji
from tierbot.domain.nouns import Tag, TierbotError
from tierbot.domain.tags import TagSpace
from tierbot.domain.tags.search import search_tags
from tierbot.use_cases.voting.menu_votes import MOST_NAMED, Menu

TITLE = "Name the right tag"
CALLBACK = "name_the_right_tag"
BLOCK, ACTION = "tierbot_named", "tag"
_OPTION, _MOST = 75, 100  # Slack's limits: characters per option, options per list


@dataclass(frozen=True, slots=True)
class Named:
    """A submitted menu: the post's message and the chosen tag ids. `form` identifies the modal."""

    channel: str
    ts: str
    tag_ids: tuple[str, ...]
    form: str


def render_menu(menu: Menu, channel: str, ts: str) -> View:
    """Return the menu for a post, with the user's current choice preselected."""
    chosen = [_option(tag) for tag in _by_name(menu.tags) if tag.id in menu.chosen]
    select: Block = {
        "type": "multi_external_select",  # Slack's own search knows only the options' text
        "action_id": ACTION,
        "placeholder": plain("Type to search", 150),
        "min_query_length": 0,
        "max_selected_items": MOST_NAMED,
        **({"initial_options": chosen} if chosen else {}),
    }
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


def options_for(tags: TagSpace, typed: str) -> list[dict[str, Any]]:
    """Return the options that fit what was typed, best first; all by name if nothing was."""
    return [_option(tag) for tag in search_tags(_by_name(tags), typed)[:_MOST]]


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


def _by_name(tags: TagSpace) -> list[Tag]:
    return sorted(tags.active, key=lambda tag: tag.name.casefold())
