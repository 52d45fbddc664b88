"""“Name the right tag” as a modal: a searchable select over all tags, and what its submission says."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, context
from tierbot.adapters.slack.block_kit.modals import View, modal, plain
from tierbot.adapters.slack.block_kit.text import emoji
from tierbot.domain.nouns import Tag, TierbotError
from tierbot.use_cases.voting.menu_votes import MOST_NAMED, Menu

TITLE = "Name the right tag"
CALLBACK = "name_the_right_tag"
BLOCK, ACTION = "tierbot_named", "tag"
_OPTION, _GROUP = 75, 100  # Slack's: characters of an option, options of a list and of a group


@dataclass(frozen=True, slots=True)
class Named:
    """A submitted menu: whose message, and which tag ids were chosen."""

    channel: str
    ts: str
    tag_ids: tuple[str, ...]
    form: str


def render_menu(menu: Menu, channel: str, ts: str) -> View:
    """Return the menu for a post, with what stands chosen already in it."""
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
        select["option_groups"] = [_group(part) for part in _parts(tags)]
    asked: Block = {
        "type": "input",
        "block_id": BLOCK,
        "label": plain("What is the story about?", 2000),
        "element": select,
        "optional": True,  # nothing chosen is an answer: it withdraws the vote
    }
    how = "It counts as a vote, as a reaction does. Choosing again replaces it; choosing nothing takes it back."
    place = json.dumps({"channel": channel, "ts": ts})
    return modal(TITLE, [asked, context(how)], callback_id=CALLBACK, submit="Vote", private=place, close="Cancel")


def read_menu(view: Mapping[str, Any]) -> Named:
    """Read a submission. Raises TierbotError if it is none of ours."""
    try:
        place = json.loads(view["private_metadata"])
        state = view["state"]["values"][BLOCK][ACTION]
        tag_ids = tuple(dict.fromkeys(str(option["value"]) for option in state.get("selected_options") or ()))
        return Named(str(place["channel"]), str(place["ts"]), tag_ids, str(view["id"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise TierbotError("This form is from another version of me. Please close it and open it again.") from fault


def _option(tag: Tag) -> dict[str, Any]:
    return {"text": plain(f"{emoji(tag.short_name)} {tag.name}", _OPTION), "value": tag.id}


def _parts(tags: Sequence[Tag]) -> Iterable[Sequence[Tag]]:
    return (tags[start : start + _GROUP] for start in range(0, len(tags), _GROUP))


def _group(tags: Sequence[Tag]) -> dict[str, Any]:
    label = f"{tags[0].name[:30]} – {tags[-1].name[:30]}"
    return {"label": plain(label, _OPTION), "options": [_option(tag) for tag in tags]}
