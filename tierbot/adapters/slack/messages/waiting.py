"""Lists what is waiting for Slack or an admin, below the answers to `/tier`."""

from tierbot.adapters.slack.block_kit.words import count
from tierbot.adapters.slack.messages.closed_channels import closed_channel
from tierbot.use_cases.game.waiting import Waiting


def waiting_lines(waiting: Waiting, bot: str | None) -> list[str]:
    """Return a line of mrkdwn for each closed channel, and one for each other thing that waits. `bot`: the bot's user id."""
    lines = [
        f"⏸️ {count(number, 'message')} waiting. {closed_channel(one.channel, one.why, bot)}"
        for one, number in waiting.channels
    ]
    if waiting.parked:
        lines.append(
            f"🅿️ {count(waiting.parked, 'message')} parked: Slack refused them, or I couldn't find out whether they "
            "were sent. `tierbot outbox` lists, retries or drops them."
        )
    if waiting.maybe_sent:
        lines.append(f"🔎 I'm looking for {count(waiting.maybe_sent, 'message')} that may have been sent already.")
    if waiting.voters:
        lines.append(
            f"🙋 Votes by {count(waiting.voters, 'person', 'people')} count as soon as Slack says who they are. If this "
            "lasts, run `tierbot doctor`: the app may lack the scope `users:read`."
        )
    return lines
