"""Check each answer of `tierbot init` as it is given, and normalize it for storing."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.examine import ask_channel, ask_connections, ask_my_channels, ask_user, ask_who
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
    """A normalized answer, and the checks of it."""

    value: str
    checks: tuple[Check, ...]

    @property
    def is_good(self) -> bool:
        """Whether all checks passed."""
        return is_well(self.checks)


class Interview:
    """Checks answers in order; later checks use the bot token."""

    def __init__(self, base_url: str, clock: Clock, needed: Needed, *, offline: bool = False) -> None:
        """`offline` checks only the answers' format, without asking Slack."""
        self._base_url = base_url
        self._clock = clock
        self._needed = needed
        self._offline = offline
        self._bot = web_client(None, base_url)

    def bot_token(self, text: str) -> Answer:
        """Check a bot token: its kind, owner and scopes."""
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
        """Check an app-level token: its kind, and whether it can open a connection."""
        token = text.strip()
        if wrong_token(token, APP) or self._offline:
            return Answer(token, (judge_app_token(None, token),))
        connections = ask_connections(web_client(None, self._base_url), token)
        return Answer(token, (judge_app_token(connections, token),))

    def channel(self, text: str) -> Answer:
        """Check a channel, given by its id, a link, or its #name if the bot is a member."""
        given = text.strip()
        match = _CHANNEL.search(given)
        if match:
            channel = match[1]
            facts = None if self._offline else ask_channel(self._bot, channel)
            return Answer(channel, (judge_channel(facts, channel),))
        name = given.removeprefix("#").lower()
        if not name or self._offline:
            remedy = "Copy the channel's id, such as C0123456789, from the bottom of its details, or copy its link."
            return Answer(given, (bad("channel", f"{given!r} isn't a channel id.", remedy),))
        mine = ask_my_channels(self._bot)
        if isinstance(mine, Refusal):
            return Answer(given, (bad("channel", mine.says),))
        found = next((one for one in mine if one.name.lower() == name), None)
        if found is None:
            remedy = f"In #{name}, type /invite @ and the bot's name, or enter the channel's id."
            return Answer(given, (bad("channel", f"The bot isn't in a channel named #{name}.", remedy),))
        return Answer(found.id, (judge_channel(found, found.id),))

    def admins(self, text: str) -> Answer:
        """Check user ids, separated by commas; "none" or nothing means the workspace's admins and owners."""
        given = [part for part in re.split(r"[\s,]+", text.strip()) if part.lower() not in {"", "none", "-"}]
        if not given:
            return Answer("", (ok("admins", "the workspace's admins and owners"),))
        checks = []
        users = []
        for part in given:
            match = _USER.fullmatch(part)
            if match is None:
                remedy = "In Slack, open a person's profile and choose ⋮ → Copy member ID."
                checks.append(bad("admins", f"{part!r} isn't a user id such as U0123ABCD.", remedy))
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
        """Check a time zone's name."""
        name = text.strip()
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            return Answer(
                name, (bad("time zone", f"{name!r} isn't a time zone.", "Enter a name such as Europe/Berlin."),)
            )
        return Answer(name, (ok("time zone", name),))

    def timezone_of(self, admins: str) -> str:
        """Return the first admin's time zone from Slack, UTC if it is unknown."""
        first = admins.partition(",")[0]
        if not first or self._offline:
            return _DEFAULT_ZONE
        found = ask_user(self._bot, first)
        name = _DEFAULT_ZONE if isinstance(found, Refusal) else str(found.get("tz") or _DEFAULT_ZONE)
        return name if self.timezone(name).is_good else _DEFAULT_ZONE
