"""Direct messages about the setup: the welcome for the installer, and the notice to admins about missing emoji."""

from collections.abc import Mapping
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Message, message, section
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.domain.tags import TagSpace

_MOST = 10


def welcome(said: Mapping[str, Any], tags: TagSpace) -> Message:
    """Return the welcome for the person who installed the app, with the next steps."""
    bot = person(str(said["bot"])) if said.get("bot") else "@tierbot"
    if said.get("channel"):
        return message(
            f"I am back and still play in <#{said['channel']}>. To move me, type `/tier channel` in another channel."
        )
    lines = (
        (
            f"Hello! I post articles, each with the emoji of one of {len(tags.active)} topics, and learn from how your team "
            "reacts. Two steps start the game:"
        ),
        f"1. In the channel to play in, type `/invite {bot}`.\n2. In the same channel, type `/tier channel`.",
        (
            "Then `/tier push 5` posts the first five articles. `/tier` is for you and your workspace's admins; everyone can "
            "play."
        ),
    )
    return Message("Hello! Two steps start the game.", tuple(section(line) for line in lines))


def emoji_missing(said: Mapping[str, Any], _: TagSpace) -> Message:
    """Return the notice about tags whose emoji the workspace no longer has."""
    missing = [f"`:{mrkdwn(clean(one['emoji'], 60))}:` ({mrkdwn(clean(one['tag'], 60))})" for one in said["missing"]]
    named = ", ".join(missing[:_MOST]) + (f" and {len(missing) - _MOST} more" if len(missing) > _MOST else "")
    text = (
        f"Slack no longer knows {named}. I still post about it, but without an emoji to click; people can choose the "
        "topic from ⋮ → _Name the right tag_. Add the emoji again (Customize workspace → Emoji), or give the tag another."
    )
    return Message("A topic's emoji is missing.", (section(text),))
