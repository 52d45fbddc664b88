"""Reads the bot's messages as people do, from what Slack shows; shares no code with what writes them. Pure."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tierbot.domain.articles.duplicates import words
from tierbot.domain.articles.urls import canonical_url
from tierbot.domain.nouns import Arm
from tierbot.domain.tags import TagSpace, base_name
from tierbot.domain.tags.emoji import APPROVE
from tierbot.simulate.trainers import View

_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")
_BOLD = re.compile(r"^\*(.+)\*$", re.MULTILINE)
_EMOJI = re.compile(r":([a-z0-9_+'\-]+):")
_TITLE_CHARACTERS = 60  # that identify a story, since a displayed title may be cut
_FEWEST_BLOCKS = 2  # the story, and the question about it


class Truth:
    """The true tags of the demo's stories, by URL or title."""

    def __init__(self, stories: Iterable[tuple[str, str, tuple[str, ...]]]) -> None:
        """Take (url, title, true tag ids) of each story; the first with a URL, or a title, counts."""
        self._tags: dict[str, tuple[str, ...]] = {}
        for url, title, tags in stories:
            for name in _names(url, title):
                self._tags.setdefault(name, tags)

    def tags_of(self, url: str, title: str) -> tuple[str, ...] | None:
        """Return the true tags of a story; None if it is unknown."""
        return next((self._tags[name] for name in _names(url, title) if name in self._tags), None)


def _names(url: str, title: str) -> list[str]:
    return [name for name in (canonical_url(url), " ".join(words(title))[:_TITLE_CHARACTERS]) if name]


@dataclass(frozen=True, slots=True)
class Story:
    """A bot message that asks about a story. `shown_tag` is None if the message names no tag."""

    ts: str
    channel: str
    url: str
    title: str
    shown_tag: str | None


def story_of(message: Mapping[str, Any], bot_user: str, tags: TagSpace) -> Story | None:
    """Parse a message (Slack's JSON); return None if it isn't from the bot or isn't about a story."""
    blocks = message.get("blocks") or []
    if message.get("user") != bot_user or len(blocks) < _FEWEST_BLOCKS:
        return None
    head, *rest = (_text_of(block) for block in blocks)
    link = _LINK.search(head)
    if link is not None:
        url, title = html.unescape(link[1]), html.unescape(link[2] or "")
    else:
        bold = _BOLD.search(head)
        url, title = "", html.unescape(bold[1]) if bold else ""
    if not url and not title:
        return None
    named = (tags.by_emoji(found[1]) for text in rest for found in _EMOJI.finditer(text))
    shown = next((tag.id for tag in named if tag is not None), None)
    return Story(str(message["ts"]), str(message.get("channel", "")), url, title, shown)


def _text_of(block: Mapping[str, Any]) -> str:
    parts = [block.get("text"), *(block.get("elements") or []), *(block.get("fields") or [])]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    return "\n".join(text for text in texts if isinstance(text, str))


@dataclass(frozen=True, slots=True)
class Reactions:
    """The reactions on a message: the bot's own, in order, and the number of people by emoji."""

    prefilled: tuple[str, ...]
    visible: Mapping[str, int]
    people: frozenset[str]  # ids of users who reacted, except the bot


def reactions_of(reactions: Iterable[Mapping[str, Any]], bot_user: str) -> Reactions:
    """Parse a message's reactions (Slack's JSON)."""
    prefilled: list[str] = []
    visible: dict[str, int] = {}
    people: set[str] = set()
    for reaction in reactions:
        users = set(reaction.get("users") or ())
        if bot_user in users:
            prefilled.append(str(reaction["name"]))
        others = int(reaction.get("count", len(users))) - (bot_user in users)
        if others > 0:
            visible[str(reaction["name"])] = others
        people |= users - {bot_user}
    return Reactions(tuple(prefilled), visible, frozenset(people))


def view_of(
    story: Story, seen: Reactions, true_tags: tuple[str, ...], tags: TagSpace, *, hour: int, judged_today: int
) -> View:
    """Return a trainer's view of a story. If it names a tag and 👍 is pre-filled, it is in the basic arm."""
    named_arm = Arm.BASIC if APPROVE in map(base_name, seen.prefilled) else Arm.TIER
    arm = Arm.BLANK if story.shown_tag is None else named_arm
    return View(arm, story.shown_tag, seen.prefilled, seen.visible, true_tags, tags, hour, judged_today)
