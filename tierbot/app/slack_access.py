"""Provide each workspace's access to Slack: one bot token for one workspace, or each installation's own token."""

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import cache, lru_cache, partial
from typing import Any

from tierbot.adapters.slack.admins import list_admins
from tierbot.adapters.slack.app import identify
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.directory import Directory
from tierbot.adapters.slack.examine import ask_channel
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation.installations import Installations
from tierbot.adapters.slack.installation.oauth import token_works
from tierbot.adapters.slack.installation.vault import Vault, VaultError
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.domain.doctor.facts import Refusal
from tierbot.domain.doctor.judge import State, judge_channel
from tierbot.domain.doctor.tokens import APP, BOT, wrong_token
from tierbot.domain.nouns import StoppedError, TierbotError
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings, secret_of
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.dispatch import NOT_INSTALLED
from tierbot.use_cases.ports import Chat, ChatError, ChatUnavailableError, Clock, Meter, RateLimitedError, Store
from tierbot.use_cases.recent_posts import recent_rounds

_MOST_CHATS = 1000
_GLANCE = 0.1  # seconds between looks whether a signal has arrived
_PATIENCE = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # seconds between attempts to identify the bot
_APP_CREDENTIALS = "Basic Information → App Credentials"
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
_UNKNOWN_CHANNEL = frozenset({"channel_not_found", "no_access"})

log = logging.getLogger(__name__)


def check_settings(settings: Settings, *, socket_mode: bool) -> None:
    """Raise TierbotError unless the tokens and the channel of one workspace are set and look right. Asks nobody."""
    tokens = {"SLACK_BOT_TOKEN": (secret_of(settings.slack_bot_token), BOT)}
    if socket_mode:
        tokens["SLACK_APP_TOKEN"] = (secret_of(settings.slack_app_token), APP)
    values = {**{name: token for name, (token, _) in tokens.items()}, "TIERBOT_CHANNEL": settings.channel}
    if missing := [name for name, value in values.items() if not value]:
        listed = " and ".join([", ".join(missing[:-1]), missing[-1]] if len(missing) > 1 else missing)
        raise TierbotError(
            f"{listed} {'is' if len(missing) == 1 else 'are'} not set. Run `tierbot init`, which asks for what is needed and "
            "writes it to .env, or set it in the environment."
        )
    for name, (token, kind) in tokens.items():
        if fault := wrong_token(token, kind):
            raise TierbotError(f"{name}: {fault}")
    if not _CHANNEL.fullmatch(settings.channel):
        raise TierbotError(
            f"TIERBOT_CHANNEL is {settings.channel!r}. Set it to the channel's id, such as C0123456789 (at the bottom of the "
            "channel's details), and start again."
        )


def check_channel(settings: Settings, store: Store, workspace: str) -> None:
    """Ask Slack about the channel that is set. Raises TierbotError if it is unknown; logs what else stops the bot there.

    A channel where the bot has posted isn't a mistake: if the bot was removed from it, posts wait until it is back. If another
    channel was chosen in Slack, the setting is not used.
    """
    with store.read(workspace) as tx:
        channel = channel_of(tx, settings.channel)
        posts = (post for number in recent_rounds(tx) for post in tx.posts.in_round(number))
        if channel != settings.channel or any(post.ts and post.channel == channel for post in posts):
            return
    found = ask_channel(web_client(secret_of(settings.slack_bot_token), settings.slack_api_url), channel)
    if isinstance(found, Refusal) and found.code in _UNKNOWN_CHANNEL:
        raise TierbotError(
            f"TIERBOT_CHANNEL is {channel}, but Slack shows the bot no such channel. Check the id at the bottom of the channel's "
            "details. If the channel is private, invite the bot there first: /invite @ and its name."
        )
    check = judge_channel(found, channel)
    if check.state is State.BAD:
        log.warning("TIERBOT_CHANNEL %s: %s %s", channel, check.says, check.remedy)


def installations_of(settings: Settings, store: Store, clock: Clock) -> Installations:
    """Return the app's installations.

    Raises TierbotError if a setting for many workspaces is missing or TIERBOT_SECRET_KEY isn't a valid key.
    """
    if not settings.slack_client_id or settings.slack_client_secret is None:
        raise TierbotError(f"Set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET; find them under {_APP_CREDENTIALS}.")
    return Installations(store, Vault(settings.secret_keys), clock, partial(token_works, settings.slack_api_url))


def chats_of_all(
    installations: Callable[[], Installations], settings: Settings, store: Store, clock: Clock, meter: Meter
) -> Callable[[str], Chat]:
    """Return a function from an installed workspace to its chat, which uses that workspace's token."""

    @lru_cache(maxsize=_MOST_CHATS)
    def chat_with(workspace: str, token: str) -> Chat:
        return _chat(workspace, token, settings, store, clock, meter)

    def chat(workspace: str) -> Chat:
        try:
            found = installations().of(workspace)
        except VaultError as fault:
            raise ChatError(NOT_INSTALLED, str(fault)) from fault
        if found is None:
            raise ChatError(
                NOT_INSTALLED, f"The app isn't installed in {workspace}. Pending messages are sent once it is."
            )
        return chat_with(workspace, found.token)

    return chat


def chat_of_one(settings: Settings, store: Store, clock: Clock, meter: Meter) -> Callable[[str], Chat]:
    """Return a function from the only workspace to its chat; it raises TierbotError without SLACK_BOT_TOKEN."""

    @cache
    def chat(workspace: str) -> Chat:
        if settings.slack_bot_token is None:
            raise TierbotError("Set SLACK_BOT_TOKEN in the environment or in .env. See .env.example.")
        return _chat(workspace, secret_of(settings.slack_bot_token), settings, store, clock, meter)

    return chat


def _chat(workspace: str, token: str, settings: Settings, store: Store, clock: Clock, meter: Meter) -> SlackChat:
    client = web_client(token, settings.slack_api_url, meter)
    return SlackChat(client, workspace, partial(tags_in, store, workspace), clock)


def admins_of(settings: Settings, installations: Callable[[], Installations]) -> Callable[[str], list[str]]:
    """Return a function that lists a workspace's admins; it raises TierbotError if Slack refuses."""

    def admins(workspace: str) -> list[str]:
        if settings.admins:
            return list(settings.admins)
        if not settings.many_workspaces:
            return list_admins(web_client(secret_of(settings.slack_bot_token), settings.slack_api_url), workspace)
        found = installations().of(workspace)
        listed = list_admins(web_client(found.token, settings.slack_api_url), workspace) if found else []
        return sorted({*listed, *installations().installers(workspace)})

    return admins


def names_in(
    settings: Settings, installations: Callable[[], Installations], clock: Clock, workspace: str
) -> Callable[[str], str]:
    """Return a function from a user id to "name (id)", or to the id alone where Slack doesn't say the name."""
    directory = Directory(clock)
    found = installations().of(workspace) if settings.many_workspaces else None
    token = found.token if found else secret_of(settings.slack_bot_token)
    if token:
        directory.keep_fresh(workspace, web_client(token, settings.slack_api_url))

    def named(user: str) -> str:
        name = directory.name(workspace, user)
        return f"{name} ({user})" if name else user

    return named


def tags_in(store: Store, workspace: str) -> TagSpace:
    """Return a workspace's current tag space."""
    with store.read(workspace) as tx:
        return tx.workspaces.tags()


def identify_patiently(settings: Settings, pause: Callable[[float], Any] = time.sleep) -> Identity:
    """Ask Slack for the bot token's owner, retrying for about a minute while Slack is busy or unreachable.

    `pause` waits the given seconds; a true result (a signal arrived) stops the retries. Raises TierbotError, then StoppedError.
    """
    client = web_client(secret_of(settings.slack_bot_token), settings.slack_api_url)
    for seconds in _PATIENCE:
        try:
            return _identified(partial(identify, client), pause)
        except (RateLimitedError, ChatUnavailableError) as fault:
            wait = fault.retry_after if isinstance(fault, RateLimitedError) else seconds
            log.warning("Not connected to Slack yet; trying again in %g s. %s", wait, fault)
            if pause(wait):
                raise StoppedError(f"Stopped before Slack was reached. {fault}") from fault
    return _identified(partial(identify, client), pause)


def _identified(identify_bot: Callable[[], Identity], pause: Callable[[float], Any]) -> Identity:
    """Ask Slack in another thread, because a signal ends the wait for an answer, which may take 15 s."""
    asked: Future[Identity] = Future()

    def ask() -> None:
        try:
            asked.set_result(identify_bot())
        except Exception as fault:  # noqa: BLE001 - raised where it is waited for
            asked.set_exception(fault)

    threading.Thread(target=ask, name="tierbot-identify", daemon=True).start()
    while not wait([asked], _GLANCE).done:
        if pause(0):
            raise StoppedError("Stopped before Slack was reached: it hasn't answered yet.")
    return asked.result()
