"""`/tier channel`: choose the channel that a workspace plays in. The bot must be a member first, or its posts would fail."""

import re

from slack_sdk import WebClient

from tierbot.adapters.slack.block_kit.text import clean, mrkdwn
from tierbot.adapters.slack.examine import ask_channel
from tierbot.domain.doctor.facts import ChannelFacts, Refusal
from tierbot.use_cases.game.questions import Game

_MENTION = re.compile(r"(?:<#)?([CG][A-Z0-9]{4,})(?:\|[^>]*)?>?", re.IGNORECASE)
_INVISIBLE = frozenset({"channel_not_found", "not_in_channel", "no_access"})


def choose_channel(game: Game, client: WebClient, workspace: str, by: str, named: str, here: str, bot: str) -> str:
    """Play in the channel `named` (an id or a mention), or else in `here`, where the admin typed the command.

    `bot` is the bot's user id. Returns the answer (mrkdwn).
    """
    match = _MENTION.fullmatch(named)
    if named and match is None:
        return (
            f"I only know channels by their id. Type `/tier channel` in {mrkdwn(clean(named, 60))} itself, or give "
            "the id at the bottom of the channel's details, such as `/tier channel C0123456789`."
        )
    channel = match[1].upper() if match else here
    if not channel.startswith(("C", "G")):
        return "This is a direct message. Type `/tier channel` in the channel that your team will play in."
    if obstacle := _obstacle(ask_channel(client, channel), channel, bot):
        return obstacle
    if not game.choose_channel(workspace, channel, by):
        return f"I already play in <#{channel}>."
    return f"From now on I play in <#{channel}>. Posts follow the schedule; `/tier push 5` posts the first five now."


def _obstacle(found: ChannelFacts | Refusal, channel: str, bot: str) -> str:
    """Return why the bot can't post there and what to do about it; empty if it can."""
    if isinstance(found, Refusal) and found.code not in _INVISIBLE:
        return f"I couldn't look at <#{channel}>. {mrkdwn(clean(found.says, 500))}"
    if isinstance(found, Refusal) or not found.is_member:
        return f"I'm not in <#{channel}> yet. Type `/invite <@{bot}>` there, then `/tier channel` again."
    return f"<#{channel}> is archived. Choose another channel." if found.is_archived else ""
