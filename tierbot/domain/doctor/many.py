"""What facts about many workspaces mean: the app's credentials, the key, and one line for each workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tierbot.domain.doctor.facts import AppFacts, ChannelFacts, Refusal, SlackFacts
from tierbot.domain.doctor.judge import Check, State, bad, judge_channel, judge_emoji, judge_scopes, ok, unknown
from tierbot.domain.tags import TagSpace


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """A workspace as the database and Slack know it.

    fault: why its token or model cannot be used. slack: None where Slack was not asked.
    """

    id: str
    name: str
    channel: str
    tags: TagSpace
    stopped_at: datetime | None = None
    fault: str | None = None
    slack: SlackFacts | None = None


def judge_credentials(missing: Sequence[str]) -> Check:
    """Judge whether all is set that installing the app takes; `missing` are names of settings."""
    if missing:
        return bad(
            "credentials",
            f"Not set: {', '.join(missing)}.",
            "See .env.example; Slack shows the app's at Basic Information.",
        )
    return ok("credentials", "client id and secret, signing secret and address are set")


def judge_key(fault: str | None, sealed: int, unopened: Sequence[str]) -> Check:
    """Judge the key that seals tokens: whether it is one, and opens those in the database."""
    if fault is not None:
        return bad("secret key", fault)
    if unopened:
        return bad("secret key", unopened[0])
    return ok("secret key", f"opens the tokens of all {sealed} installations" if sealed else "is one")


def judge_workspace(found: WorkspaceFacts, needed: frozenset[str], install_at: str) -> Check:
    """Judge one workspace: its installation, scopes, channel and emoji; the first thing that is not well."""
    name, again = found.name, f"Let it install the app again at {install_at}."
    if found.stopped_at is not None:
        since = f"{found.stopped_at:%Y-%m-%d %H:%M} UTC"
        return unknown(name, f"{found.id} stands still since {since}: the app was removed. Its data are kept. {again}")
    if found.fault is not None:
        return bad(name, found.fault)
    slack = found.slack or SlackFacts()
    if isinstance(slack.app, Refusal):
        return bad(name, f"Slack refuses its token: {slack.app.code}.", again)
    if not found.channel:
        return unknown(name, f"{found.id} has chosen no channel yet: `/tier channel`, typed by who installed, does")
    return _first_bad(name, slack, found, needed, again)


def _first_bad(name: str, slack: SlackFacts, found: WorkspaceFacts, needed: frozenset[str], again: str) -> Check:
    scopes = judge_scopes(slack.app, needed)
    if scopes.state is State.BAD:
        return bad(name, scopes.says, again)
    channel = judge_channel(slack.channel, found.channel)
    if channel.state is State.BAD:
        remedy = "Invite the bot there, or choose another with `/tier channel`."
        return bad(name, channel.says, remedy)
    emoji = judge_emoji(slack.emoji, found.tags)
    if emoji.state is State.BAD:
        return bad(name, emoji.says, emoji.remedy)
    place = f"#{slack.channel.name}" if isinstance(slack.channel, ChannelFacts) else found.channel
    who = slack.app.bot if isinstance(slack.app, AppFacts) else "the bot"
    return ok(name, f"{who} plays in {place} ({found.id})")
