"""`/tier channel`: an admin says where the workspace plays. The bot must be there first, or its posts would be refused."""

import re

from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.blocks import Message, section
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn
from tierbot.adapters.slack.examine import ask_channel
from tierbot.adapters.slack.game_port import GamePort
from tierbot.domain.doctor.facts import ChannelFacts, Refusal

_MENTION = re.compile(r"(?:<#)?([CG][A-Z0-9]{4,})(?:\|[^>]*)?>?", re.IGNORECASE)
_NOT_SEEN = frozenset({"channel_not_found", "not_in_channel", "no_access"})


def choose_channel(
    game: GamePort, client: WebClient, workspace: str, by: str, wanted: str, here: str, bot: str
) -> Message:
    """GamePort in the channel that is `wanted` (an id or a mention), or in the one where the command was typed.

    `bot` is the bot's user id. Returns what the admin is told.
    """
    match = _MENTION.fullmatch(wanted)
    if wanted and match is None:
        return _say(
            f"I know channels by their id only. Type `/tier channel` in {mrkdwn(clean(wanted, 60))} itself, or give "
            "the id at the bottom of the channel's details, such as `/tier channel C0123456789`."
        )
    channel = match[1].upper() if match else here
    if not channel.startswith(("C", "G")):
        return _say("These are direct messages. Type `/tier channel` in the channel that the team shall play in.")
    if obstacle := _obstacle(ask_channel(client, channel), channel, bot):
        return _say(obstacle)
    if not game.choose_channel(workspace, channel, by):
        return _say(f"I play in <#{channel}> already.")
    return _say(
        f"From now on I play in <#{channel}>. Posts come by the schedule; `/tier push 5` brings the first five at once."
    )


def _obstacle(found: ChannelFacts | Refusal, channel: str, bot: str) -> str:
    """Return what keeps the bot from posting there and what to do; empty if nothing does."""
    if isinstance(found, Refusal) and found.code not in _NOT_SEEN:
        return f"I could not look at <#{channel}>. {mrkdwn(clean(found.says, 500))}"
    if isinstance(found, Refusal) or not found.is_member:
        return f"I am not in <#{channel}> yet. Type `/invite <@{bot}>` there, and then `/tier channel` once more."
    return f"<#{channel}> is archived. Choose another." if found.is_archived else ""


def _say(text: str) -> Message:
    return Message(text, (section(text),))
