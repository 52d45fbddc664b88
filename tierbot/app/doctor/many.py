"""Run `tierbot doctor` for an app with many workspaces: check the key and each installation."""

from dataclasses import replace

from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.examine import ask_channel, ask_emoji, ask_who
from tierbot.adapters.slack.installation.oauth import INSTALL_PATH
from tierbot.adapters.slack.installation.vault import Vault, VaultError
from tierbot.adapters.slack.manifest import bot_scopes
from tierbot.adapters.store import open_store
from tierbot.app.bootstrap import build
from tierbot.app.bot import Tierbot
from tierbot.app.slack_access import tags_in
from tierbot.domain.doctor.facts import AppFacts, SlackFacts
from tierbot.domain.doctor.judge import Check, judge_settings
from tierbot.domain.doctor.many import WorkspaceFacts, judge_credentials, judge_key, judge_workspace
from tierbot.domain.nouns import TierbotError
from tierbot.settings import Settings
from tierbot.use_cases.ports import Workspace


def check_up_many(settings: Settings, wrong_file: str | None) -> list[Check]:
    """Return checks of the settings, the key and the workspaces, without changing anything.

    wrong_file: what is wrong with a file that the settings name.
    """
    needed = {
        "SLACK_CLIENT_SECRET": settings.slack_client_secret,
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret,
        "TIERBOT_PUBLIC_URL": settings.public_url,
    }
    missing = [name for name, value in needed.items() if not value]
    fault = None
    try:
        Vault(settings.secret_keys)
    except VaultError as wrong:
        fault = str(wrong)
    checks = [judge_settings(wrong_file), judge_credentials(missing)]
    try:
        bot = build(settings, store=open_store(settings.database_url, create=False))
    except TierbotError:  # there is no database yet, or its own check reports the problem
        return [*checks, judge_key(fault, 0, ())]
    try:
        return [*checks, *_installed(bot, fault)]
    finally:
        bot.close()


def _installed(bot: Tierbot, fault: str | None) -> list[Check]:
    install_at = (bot.settings.public_url or "the bot's address") + INSTALL_PATH
    found = [_facts(bot, one, usable=fault is None) for one in bot.store.workspaces()]
    unopened = [one.fault for one in found if one.fault] if fault is None else []
    installed = sum(one.stopped_at is None for one in found)
    scopes = frozenset(bot_scopes())
    return [judge_key(fault, installed, unopened), *(judge_workspace(one, scopes, install_at) for one in found)]


def _facts(bot: Tierbot, workspace: Workspace, *, usable: bool) -> WorkspaceFacts:
    tags = tags_in(bot.store, workspace.id)
    facts = WorkspaceFacts(workspace.id, workspace.name, workspace.channel, tags, workspace.stopped_at)
    if workspace.stopped_at is not None or not usable:
        return facts
    try:
        identity = bot.installations().of(workspace.id)
    except TierbotError as fault:
        return replace(facts, fault=str(fault))
    if identity is None:
        return replace(facts, fault=f"{workspace.id} is in the database, but the app isn't installed there.")
    client = web_client(identity.token, bot.settings.slack_api_url)
    slack = ask_who(client, bot.clock)
    if isinstance(slack.app, AppFacts):
        channel = ask_channel(client, workspace.channel) if workspace.channel else None
        slack = SlackFacts(slack.app, None, channel, ask_emoji(client), slack.clock_ahead)
    return replace(facts, slack=slack)
