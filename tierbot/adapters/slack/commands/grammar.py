"""The slash commands' grammar: what may be typed, read by pure functions, and the help that lists it."""

from dataclasses import dataclass
from enum import StrEnum

from tierbot.adapters.slack.block_kit.text import clean, mrkdwn
from tierbot.adapters.slack.faults import UnknownWordError
from tierbot.adapters.slack.needs import SlashCommand

LEADERBOARD = SlashCommand("/leaderboard", "Who judged most this round", "[this | last | all | round number]")
MY_SCORE = SlashCommand("/myscore", "Your own score, rank and streak")
TIER = SlashCommand(
    "/tier", "Run the game (for admins)", "push | channel | retrain | round | pause | resume | models | rollback"
)

_MOST_PUSHED = 500
_HELP_WORDS = frozenset({"", "help", "?", "-h", "--help"})


class Action(StrEnum):
    """What an admin can ask for."""

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
class Order:
    """A `/tier` command as understood; `count` is how many articles to push, `channel` the one named."""

    action: Action
    count: int = 1
    channel: str = ""


_EXPLAINED = {
    "push [n]": f"post the next article, or the next n (at most {_MOST_PUSHED})",
    "channel": "play in this channel (I must be in it)",
    "retrain": "train a new model on all verdicts",
    "round status": "how the round is going",
    "round close": "close the round now and announce its champion",
    "pause": "stop posting; reactions still count",
    "resume": "post again",
    "models": "all model versions",
    "rollback": "put the former model back in service",
}


def help_text(command: str = TIER.name) -> str:
    """Return what `/tier` can do, as mrkdwn."""
    return "\n".join(f"• `{command} {usage}` – {what}" for usage, what in _EXPLAINED.items())


def read_order(text: str) -> Order:
    """Read what follows `/tier`. Raises UnknownWordError, which lists what is possible.

    >>> read_order("push 5").count, read_order(" Round  CLOSE ").action
    (5, <Action.ROUND_CLOSE: 'round close'>)
    """
    words = clean(text, 200).lower().split()
    said = " ".join(words)
    if said in _HELP_WORDS:
        return Order(Action.HELP)
    if words[0] == Action.PUSH:
        return Order(Action.PUSH, _pushed(words[1:]))
    if words[0] == Action.CHANNEL:
        return Order(Action.CHANNEL, channel=clean(text, 200).partition(" ")[2].strip())
    if said == "round":
        return Order(Action.ROUND_STATUS)
    try:
        return Order(Action(said))
    except ValueError:
        raise UnknownWordError(
            f"`/tier {mrkdwn(clean(text, 60))}` is no command. You can say:\n{help_text()}"
        ) from None


def _pushed(words: list[str]) -> int:
    if not words:
        return 1
    number = words[0]
    if len(words) == 1 and number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= _MOST_PUSHED:
        return int(number)
    raise UnknownWordError(
        f"`/tier push {mrkdwn(clean(' '.join(words), 60))}`: say how many articles to post, 1 to {_MOST_PUSHED}, "
        "for example `/tier push 5`."
    )


def read_which(text: str) -> str | None:
    """Read what follows `/leaderboard`: "this", "last", "all" or a round's number; None asks for help.

    Raises UnknownWordError, which lists what is possible.

    >>> read_which(""), read_which("All"), read_which("round 07")
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
    raise UnknownWordError(f"`/leaderboard {mrkdwn(clean(text, 60))}` is no leaderboard. {LEADERBOARD_HELP}")


LEADERBOARD_HELP = (
    "Say `/leaderboard` for this round, `/leaderboard last` for the one before, `/leaderboard all` for all time, "
    "or `/leaderboard 7` for round 7."
)
