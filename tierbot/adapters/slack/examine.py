"""Collects facts from Slack for `tierbot doctor` and `tierbot init`. A question that Slack refuses becomes a Refusal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from slack_sdk import WebClient

from tierbot.adapters.slack.calls import APP_TOKEN_REMEDIES, NEW_APP_TOKEN, call, entries
from tierbot.adapters.slack.needs import Needs
from tierbot.domain.doctor.facts import AppFacts, ChannelFacts, Refusal, SlackFacts
from tierbot.domain.doctor.tokens import APP, BOT, kind_of_token
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, Clock, RateLimitedError

NEEDS = Needs(
    methods={
        "conversations.info": ("channels:read", "groups:read"),
        "users.conversations": ("channels:read", "groups:read"),
        "emoji.list": ("emoji:read",),
    }
)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_MOST_PAGES = 10


def examine(client: WebClient, app_client: WebClient, app_token: str, channel: str, clock: Clock) -> SlackFacts:
    """Collect all facts, in up to four calls that change nothing."""
    facts = ask_who(client, clock) if str(client.token or "").startswith(BOT) else SlackFacts()
    if app_token.startswith(APP):
        facts = replace(facts, connections=ask_connections(app_client, app_token))
    if not isinstance(facts.app, AppFacts):
        return facts
    return replace(facts, channel=ask_channel(client, channel) if channel else None, emoji=ask_emoji(client))


def ask_who(client: WebClient, clock: Clock) -> SlackFacts:
    """Ask for the token's owner and scopes and for Slack's time."""
    before = clock.now()
    try:
        said = call(client.auth_test)
    except TierbotError as fault:
        return SlackFacts(app=_refusal(fault))
    headers = {str(name).lower(): str(value) for name, value in dict(said.headers).items()}
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else frozenset(scope.strip() for scope in listed.split(",") if scope.strip())
    bot = f"@{said.get('user') or said.get('user_id')}"
    if not said.get("bot_id"):
        return SlackFacts(app=Refusal("no_bot", f"The token belongs to {bot}, who isn't a bot. Use the bot token."))
    app = AppFacts(str(said.get("team") or said.get("team_id")), bot, scopes)
    return SlackFacts(app=app, clock_ahead=_ahead(before, clock.now(), headers))


def _or_refusal(ask: Callable[_P, _T]) -> Callable[_P, _T | Refusal]:
    @wraps(ask)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T | Refusal:
        try:
            return ask(*args, **kwargs)
        except TierbotError as fault:
            return _refusal(fault)

    return asked


@_or_refusal
def ask_connections(client: WebClient, app_token: str) -> bool | Refusal:
    """Ask whether the app token may open a connection, without opening one."""
    try:
        call(client.apps_connections_open, app_token=app_token)
    except ChatError as fault:
        remedy = APP_TOKEN_REMEDIES.get(fault.code, NEW_APP_TOKEN)
        kind = kind_of_token(app_token)
        return Refusal(fault.code, f"Slack refuses {kind} in SLACK_APP_TOKEN: {fault.code}. {remedy}")
    return True


@_or_refusal
def ask_channel(client: WebClient, channel: str) -> ChannelFacts:
    """Ask about the channel with the id `channel`."""
    return _channel(call(client.conversations_info, channel=channel).get("channel") or {})


@_or_refusal
def ask_my_channels(client: WebClient) -> list[ChannelFacts]:
    """Ask for the channels that the bot is in (the first 2,000)."""
    kinds = "public_channel,private_channel"
    found = entries(client.users_conversations, "channels", _MOST_PAGES, types=kinds)
    # Slack omits is_member here, since it only lists the bot's own channels.
    return [replace(_channel(channel), is_member=True) for channel in found]


@_or_refusal
def ask_emoji(client: WebClient) -> frozenset[str]:
    """Ask for the names of the workspace's custom emoji, aliases included."""
    return frozenset(str(name) for name in call(client.emoji_list).get("emoji") or {})


@_or_refusal
def ask_user(client: WebClient, user: str) -> Mapping[str, Any]:
    """Ask about a user; return Slack's fields {name, tz, is_admin, …}."""
    return call(client.users_info, user=user).get("user") or {}


def _refusal(fault: TierbotError) -> Refusal:
    if isinstance(fault, ChatError):
        return Refusal(fault.code, str(fault))
    if isinstance(fault, RateLimitedError):
        return Refusal("ratelimited", f"Slack is rate limiting tierbot. Try again in {fault.retry_after:.0f} s.")
    if isinstance(fault, ChatUnavailableError):
        return Refusal("unavailable", f"{fault} Check the network, any proxy, and SLACK_API_URL.")
    return Refusal("fault", str(fault))


def _channel(found: Mapping[str, Any]) -> ChannelFacts:
    name = str(found.get("name") or found.get("id"))
    return ChannelFacts(str(found.get("id")), name, bool(found.get("is_member")), bool(found.get("is_archived")))


def _ahead(before: datetime, after: datetime, headers: Mapping[str, str]) -> float | None:
    """Return how many seconds our clock was ahead of the answer's Date, halfway through the request."""
    try:
        theirs = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    return (before + (after - before) / 2 - theirs).total_seconds()
