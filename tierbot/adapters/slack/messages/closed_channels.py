"""Says why a channel doesn't take the bot's messages, and what an admin can do."""

from tierbot.adapters.slack.block_kit.text import person, safe

_ANOTHER = "type `/tier channel` in another channel"


def closed_channel(channel: str, why: str, bot: str | None) -> str:
    """Return what happened and what to do, as mrkdwn. `why` is Slack's code, `bot` the bot's user id."""
    here, invite = f"<#{safe(channel, 30)}>", f"`/invite {person(bot) if bot else '@tierbot'}`"
    match why:
        case "not_in_channel":
            return f"I'm no longer in {here}. Type {invite} there, or {_ANOTHER}."
        case "is_archived":
            return f"{here} is archived. Unarchive it, or {_ANOTHER}."
        case "channel_not_found":
            return (
                f"I can't find {here} any more: it was deleted, or it is private and I'm not in it. If it still exists, "
                f"type {invite} there; otherwise {_ANOTHER}."
            )
        case _:
            return f"A workspace setting keeps me from posting in {here}. Let me post there, or {_ANOTHER}."
