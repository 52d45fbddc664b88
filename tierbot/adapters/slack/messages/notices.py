"""What is said by direct message about the setup: to who installed the app, and to admins when an emoji is gone."""

from collections.abc import Mapping
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Message, section
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.domain.tags import TagSpace

_MOST = 10


def welcome(said: Mapping[str, Any], tags: TagSpace) -> Message:
    """Return the welcome to who installed the app, with the next step."""
    bot = person(str(said["bot"])) if said.get("bot") else "@tierbot"
    if said.get("channel"):
        text = f"I am back, and play on in <#{said['channel']}>. `/tier channel`, typed in another one, moves me there."
        return Message(text, (section(text),))
    hello = (
        f"Hello! I post articles, each with the emoji of one of {len(tags.active)} topics, and learn from how your team "
        "reacts. Two steps, and the game begins:"
    )
    steps = f"1. In the channel to play in, type `/invite {bot}`.\n2. In the same channel, type `/tier channel`."
    rest = (
        "`/tier push 5` then brings the first five articles. `/tier` is for you and your workspace's admins; "
        "everyone can play."
    )
    lines = (hello, steps, rest)
    return Message("Hello! Two steps, and the game begins.", tuple(section(line) for line in lines))


def emoji_missing(said: Mapping[str, Any], _: TagSpace) -> Message:
    """Return the notice about tags whose emoji the workspace deleted."""
    missing = [f"`:{mrkdwn(clean(one['emoji'], 60))}:` ({mrkdwn(clean(one['tag'], 60))})" for one in said["missing"]]
    named = ", ".join(missing[:_MOST]) + (f" and {len(missing) - _MOST} more" if len(missing) > _MOST else "")
    text = (
        f"Slack no longer knows {named}. Posts about it go on, without the emoji to click; people can still name the "
        "topic by ⋮ → _Name the right tag_. Add the emoji again (Customize workspace → Emoji), or give the tag another."
    )
    return Message("A topic's emoji is gone.", (section(text),))
