"""The slash commands' grammar: pure functions that parse what people type, and the help text."""

from dataclasses import dataclass
from enum import StrEnum

from tierbot.adapters.slack.block_kit.text import clean, safe
from tierbot.adapters.slack.faults import UnknownWordError
from tierbot.adapters.slack.needs import SlashCommand

LEADERBOARD = SlashCommand(
    "/leaderboard", "Show who has judged the most this round", "[this | last | all | round number]"
)
MY_SCORE = SlashCommand("/myscore", "Show your score, rank and streak")
TIER = SlashCommand(
    "/tier", "Run the game (for admins)", "push | channel | retrain | round | pause | resume | models | rollback"
)

_MOST_PUSHED = 500
_HELP_WORDS = frozenset({"", "help", "?", "-h", "--help"})


class Action(StrEnum):
    """What `/tier` can do."""

    HELP = "help"
    PUSH = "push"
    CHANNEL = "channel"
    RETRAIN = "retrain"
    ROUND_STATUS = "round status"
    ROUND_CLOSE = "round close"
    PAUSE = "pause"
    RESUME = "resume"
    MODELS = "models"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class TierCommand:
    """A parsed `/tier` command; `count` is the number of articles to push, `channel` the one named."""

    action: Action
    count: int = 1
    channel: str = ""


_EXPLAINED = {
    "push [n]": f"post the next article, or the next n (up to {_MOST_PUSHED})",
    "channel": "use this channel for the game (invite me first)",
    "retrain": "train a new model on all verdicts",
    "round status": "show how the round is going",
    "round close": "close the round now and announce its champion",
    "pause": "stop scheduled posts; reactions still count",
    "resume": "start scheduled posts again",
    "models": "list the model versions",
    "rollback": "put the previous model back in service",
}


def help_text() -> str:
    """Return the list of `/tier` commands, as mrkdwn."""
    return "\n".join(f"• `{TIER.name} {usage}` – {what}" for usage, what in _EXPLAINED.items())


def parse_tier(text: str) -> TierCommand:
    """Parse what follows `/tier`. Raises UnknownWordError, which lists the commands.

    >>> parse_tier("push 5").count, parse_tier(" Round  CLOSE ").action
    (5, <Action.ROUND_CLOSE: 'round close'>)
    """
    words = clean(text, 200).lower().split()
    said = " ".join(words)
    if said in _HELP_WORDS:
        return TierCommand(Action.HELP)
    if words[0] == Action.PUSH:
        return TierCommand(Action.PUSH, _parse_count(words[1:]))
    if words[0] == Action.CHANNEL:
        return TierCommand(Action.CHANNEL, channel=clean(text, 200).partition(" ")[2].strip())
    if said == "round":
        return TierCommand(Action.ROUND_STATUS)
    try:
        return TierCommand(Action(said))
    except ValueError:
        raise UnknownWordError(f"`/tier {safe(text, 60)}` isn't a command. Try one of these:\n{help_text()}") from None


def _parse_count(words: list[str]) -> int:
    if not words:
        return 1
    number = words[0]
    if len(words) == 1 and number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= _MOST_PUSHED:
        return int(number)
    raise UnknownWordError(
        f"`/tier push {safe(' '.join(words), 60)}`: give a number of articles from 1 to {_MOST_PUSHED}, "
        "for example `/tier push 5`."
    )


def parse_leaderboard(text: str) -> str | None:
    """Parse what follows `/leaderboard`: return "this", "last", "all" or a round's number; None for help.

    Raises UnknownWordError, which lists the choices.

    >>> parse_leaderboard(""), parse_leaderboard("All"), parse_leaderboard("round 07")
    ('this', 'all', '7')
    """
    said = clean(text, 200).lower()
    if said in _HELP_WORDS - {""}:
        return None
    word = said.removeprefix("round ").lstrip("#")
    if word in {"", "this", "last", "all"}:
        return word or "this"
    if word.isascii() and word.isdigit() and len(word) <= 9 and int(word) > 0:  # noqa: PLR2004 - more rounds than weeks to come
        return str(int(word))
    raise UnknownWordError(f"`/leaderboard {safe(text, 60)}` doesn't exist. {LEADERBOARD_HELP}")


LEADERBOARD_HELP = (
    "Type `/leaderboard` for this round, `/leaderboard last` for the previous one, `/leaderboard all` for all time, "
    "or `/leaderboard 7` for round 7."
)
