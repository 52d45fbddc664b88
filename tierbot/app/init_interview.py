"""The answers that `tierbot init` asks for, each checked at once: a good one comes back as it is to be kept."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tierbot.adapters.slack.examine import ask_channel, ask_connections, ask_my_channels, ask_user, ask_who
from tierbot.adapters.slack.messages.chat import web_client
from tierbot.domain.doctor.facts import Refusal
from tierbot.domain.doctor.judge import (
    Check,
    Needed,
    State,
    bad,
    is_well,
    judge_app_token,
    judge_bot_token,
    judge_channel,
    judge_clock,
    judge_scopes,
    ok,
    unknown,
)
from tierbot.domain.doctor.tokens import APP, BOT, wrong_token
from tierbot.use_cases.ports import Clock

_CHANNEL = re.compile(r"(?:^|/archives/|<#)([CG][A-Z0-9]{6,})(?:$|[/?|>])")
_USER = re.compile(r"<?@?([UW][A-Z0-9]{2,})(?:\|[^>]*)?>?")
_DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is to be kept, and what was found out about it."""

    value: str
    checks: tuple[Check, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against it."""
        return is_well(self.checks)


class Interview:
    """Checks answers in the order in which they are asked for: the later ones use the bot token."""

    def __init__(self, base_url: str, clock: Clock, needed: Needed, *, offline: bool = False) -> None:
        """`offline` asks Slack nothing: only the form of the answers is checked."""
        self._base_url = base_url
        self._clock = clock
        self._needed = needed
        self._offline = offline
        self._bot = web_client(None, base_url)

    def bot_token(self, text: str) -> Answer:
        """Check a bot token: its kind, whose it is, its scopes."""
        token = text.strip()
        if wrong_token(token, BOT) or self._offline:
            return Answer(token, (judge_bot_token(None, token),))
        self._bot = web_client(token, self._base_url)
        facts = ask_who(self._bot, self._clock)
        checks = [judge_bot_token(facts.app, token)]
        if checks[0].state is State.OK:
            checks += [judge_scopes(facts.app, self._needed.scopes), judge_clock(facts.clock_ahead)]
        return Answer(token, tuple(checks))

    def app_token(self, text: str) -> Answer:
        """Check an app-level token: its kind, and whether it may open a connection."""
        token = text.strip()
        if wrong_token(token, APP) or self._offline:
            return Answer(token, (judge_app_token(None, token),))
        connections = ask_connections(web_client(None, self._base_url), token)
        return Answer(token, (judge_app_token(connections, token),))

    def channel(self, text: str) -> Answer:
        """Check a channel, given by its id, a link to it, or (where the bot is in it) its #name."""
        said = text.strip()
        match = _CHANNEL.search(said)
        if match:
            channel = match[1]
            facts = None if self._offline else ask_channel(self._bot, channel)
            return Answer(channel, (judge_channel(facts, channel),))
        name = said.removeprefix("#").lower()
        if not name or self._offline:
            remedy = "Copy its id from the bottom of the channel's details, such as C0123456789, or a link to it."
            return Answer(said, (bad("channel", f"{said!r} is no channel's id.", remedy),))
        mine = ask_my_channels(self._bot)
        if isinstance(mine, Refusal):
            return Answer(said, (bad("channel", mine.says),))
        found = next((one for one in mine if one.name.lower() == name), None)
        if found is None:
            remedy = f"Type /invite @ and the bot's name in #{name}, or give the channel's id."
            return Answer(said, (bad("channel", f"The bot is in no channel called #{name}.", remedy),))
        return Answer(found.id, (judge_channel(found, found.id),))

    def admins(self, text: str) -> Answer:
        """Check user ids, separated by commas; none (also in letters) leaves it to Slack's own admins."""
        given = [part for part in re.split(r"[\s,]+", text.strip()) if part.lower() not in {"", "none", "-"}]
        if not given:
            return Answer("", (ok("admins", "Slack's own admins and owners"),))
        checks = []
        users = []
        for part in given:
            match = _USER.fullmatch(part)
            if match is None:
                remedy = "Copy it in Slack: a person's profile → ⋮ → Copy member ID."
                checks.append(bad("admins", f"{part!r} is no user id such as U0123ABCD.", remedy))
            else:
                users.append(match[1])
                checks.append(self._admin(match[1]))
        return Answer(",".join(dict.fromkeys(users)), tuple(checks))

    def _admin(self, user: str) -> Check:
        if self._offline:
            return unknown("admins", f"{user}: Slack was not asked")
        found = ask_user(self._bot, user)
        if isinstance(found, Refusal):
            return bad("admins", f"{user}: {found.says}")
        return ok("admins", f"@{found.get('name') or user}")

    def timezone(self, text: str) -> Answer:
        """Check the name of a time zone."""
        name = text.strip()
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            return Answer(name, (bad("time zone", f"{name!r} is none.", "Write a name such as Europe/Berlin."),))
        return Answer(name, (ok("time zone", name),))

    def timezone_of(self, admins: str) -> str:
        """Return the first admin's time zone as Slack knows it, UTC if it is not known."""
        first = admins.partition(",")[0]
        if not first or self._offline:
            return _DEFAULT_ZONE
        found = ask_user(self._bot, first)
        name = _DEFAULT_ZONE if isinstance(found, Refusal) else str(found.get("tz") or _DEFAULT_ZONE)
        return name if self.timezone(name).is_good else _DEFAULT_ZONE
