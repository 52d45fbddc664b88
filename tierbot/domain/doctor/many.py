"""Judges a setup with many workspaces: the app's credentials, the key, and one line per workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tierbot.domain.doctor.facts import AppFacts, ChannelFacts, Refusal, SlackFacts
from tierbot.domain.doctor.judge import Check, State, bad, judge_channel, judge_emoji, judge_scopes, ok, unknown
from tierbot.domain.tags import TagSpace


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """Facts about a workspace, from the database and Slack."""

    id: str
    name: str
    channel: str
    tags: TagSpace
    stopped_at: datetime | None = None
    fault: str | None = None  # why its token or model can't be used
    slack: SlackFacts | None = None  # None if Slack wasn't asked


def judge_credentials(missing: Sequence[str]) -> Check:
    """Judge whether the settings for app installation are complete; `missing` are names of settings."""
    if missing:
        return bad(
            "credentials",
            f"Not set: {', '.join(missing)}.",
            "See .env.example. Slack shows the values on your app's Basic Information page.",
        )
    return ok("credentials", "client id, client secret, signing secret and URL are set")


def judge_key(fault: str | None, sealed: int, unopened: Sequence[str]) -> Check:
    """Judge the key that encrypts tokens: whether it is valid and decrypts those in the database."""
    problem = fault or next(iter(unopened), None)
    if problem is not None:
        return bad("secret key", problem)
    return ok("secret key", f"decrypts the tokens of all {sealed} installations" if sealed else "valid")


def judge_workspace(found: WorkspaceFacts, needed: frozenset[str], install_at: str) -> Check:
    """Judge one workspace: return the first problem with its installation, scopes, channel or emoji."""
    name, reinstall = found.name, f"Ask its admin to reinstall the app at {install_at}."
    if found.stopped_at is not None:
        since = f"{found.stopped_at:%Y-%m-%d %H:%M} UTC"
        return unknown(name, f"{found.id} removed the app at {since}. Its data is still stored. {reinstall}")
    if found.fault is not None:
        return bad(name, found.fault)
    slack = found.slack or SlackFacts()
    if isinstance(slack.app, Refusal):
        return bad(name, f"Slack rejects its token: {slack.app.code}.", reinstall)
    if not found.channel:
        return unknown(name, f"{found.id} has no channel yet. Ask its installer to type `/tier channel`")
    scopes, emoji = judge_scopes(slack.app, needed), judge_emoji(slack.emoji, found.tags)
    channel = judge_channel(slack.channel, found.channel)
    invite = "Invite the bot there, or choose another channel with `/tier channel`."
    for check, remedy in ((scopes, reinstall), (channel, invite), (emoji, emoji.remedy)):
        if check.state is State.BAD:
            return bad(name, f"{check.name}: {check.says}", remedy)
    place = f"#{slack.channel.name}" if isinstance(slack.channel, ChannelFacts) else found.channel
    who = slack.app.bot if isinstance(slack.app, AppFacts) else "the bot"
    return ok(name, f"{who} posts in {place} ({found.id})")
