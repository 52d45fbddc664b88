"""Run `tierbot doctor`: gather facts from Slack, the database and the models, check them, and run the smoke test."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values

from tierbot.adapters.encoders import encoder_of
from tierbot.adapters.files.configuration import load_boundaries, load_feeds, tag_space
from tierbot.adapters.files.model_files import ModelFolder, shipped_models
from tierbot.adapters.slack.app import identify
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.examine import examine as examine_slack
from tierbot.adapters.slack.manifest import bot_commands, bot_events, bot_scopes
from tierbot.adapters.store import open_store
from tierbot.adapters.store.examine import examine as examine_store
from tierbot.app.bootstrap import app_of, build, smoke_test
from tierbot.app.bot import SystemClock, Tierbot
from tierbot.app.doctor.many import check_up_many
from tierbot.app.doctor.misspellings import misspellings
from tierbot.domain.doctor.facts import EventFacts, FeedFacts, MachineFacts, Refusal
from tierbot.domain.doctor.judge import Check, Needed, bad, judge_machine, judge_settings, judge_slack
from tierbot.domain.doctor.smoke_test import Step
from tierbot.domain.nouns import Origin, TierbotError
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings, env_file_in_use, secret_of
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.jobs.smoke_test import record_smoke_test
from tierbot.use_cases.ports import Clock, Encoder, Transaction


def needed() -> Needed:
    """Return the scopes, events and commands that the Slack app needs."""
    return Needed(frozenset(bot_scopes()), bot_events(), bot_commands())


def misspelled_settings(env_file: Path | None = None) -> list[str]:
    """Return a sentence for each unknown TIERBOT_ name in the environment or the file. env_file: None for the one in use."""
    env_file = env_file or env_file_in_use()
    written = dotenv_values(env_file) if env_file.is_file() else {}
    return misspellings([*os.environ, *written])


def check_up(settings: Settings, *, clock: Clock | None = None, env_file: Path | None = None) -> list[Check]:
    """Check everything and return one check per line, without changing Slack or the database."""
    clock = clock or SystemClock()
    env_file = env_file or env_file_in_use()
    machine = examine_machine(settings, env_file)
    ignored = [bad("settings", sentence) for sentence in misspelled_settings(env_file)]
    tags, fault = _files_in(settings)
    if settings.many_workspaces:
        return [*ignored, *check_up_many(settings, fault), *judge_machine(machine, needed(), clock.now())]
    bot_token, app_token = (secret_of(token) for token in (settings.slack_bot_token, settings.slack_app_token))
    base_url, channel = settings.slack_api_url, machine.channel or settings.channel
    slack = examine_slack(web_client(bot_token, base_url), web_client(None, base_url), app_token, channel, clock)
    return [
        *ignored,
        judge_settings(fault, settings.smoke_test_every_hours, settings.smoke_test_channel),
        *judge_slack(slack, bot_token, app_token, channel, needed(), tags),
        *judge_machine(machine, needed(), clock.now()),
    ]


def examine_machine(settings: Settings, env_file: Path) -> MachineFacts:
    """Gather this machine's facts: database, encoder, model, feeds, time of the last events."""
    database = examine_store(settings.database_url)
    encoder = encoder_of(settings.encoder)
    facts = MachineFacts(
        database, encoder=_or_refusal("encoder", lambda: f"sha256 {encoder.digest[:12]}…"), env_mode=_mode(env_file)
    )
    if database.fault is not None:
        return facts
    if database.is_new or database.revision != database.newest:  # opening would upgrade it
        return replace(facts, model=_shipped(settings))
    return _of_database(settings, encoder, facts)


def _of_database(settings: Settings, encoder: Encoder, facts: MachineFacts) -> MachineFacts:
    bot = build(settings, store=open_store(settings.database_url, create=False), encoder=encoder)
    try:
        if not bot.store.workspace_ids():
            return replace(facts, model=_shipped(settings))
        several = settings.many_workspaces and not settings.workspace
        workspace = (bot.store.running_ids() or bot.store.workspace_ids())[0] if several else bot.only_workspace()
        with bot.store.read(workspace) as tx:
            feeds = tuple(FeedFacts(one.feed.url, one.problem, one.polled_at is not None) for one in tx.feeds.all())
            facts = replace(facts, events=_events(tx), feeds=feeds, channel=channel_of(tx, settings.channel))
        return replace(facts, model=_or_refusal("model", lambda: _champion(bot, workspace)))
    except TierbotError as fault:
        return replace(facts, model=Refusal("workspace", str(fault)))
    finally:
        bot.close()


def take_smoke_test(settings: Settings, channel: str) -> list[Step]:
    """Run the smoke test with a canary in `channel`, and store its steps.

    Raises TierbotError if the bot was never started or its tokens are wrong.
    """
    if settings.slack_bot_token is None:
        raise TierbotError("Set SLACK_BOT_TOKEN in the environment or in .env, or run `tierbot init`.")
    bot = build(settings, store=open_store(settings.database_url, create=False))
    try:
        identity = identify(web_client(secret_of(settings.slack_bot_token), settings.slack_api_url))
        if identity.team_id not in bot.store.workspace_ids():
            raise TierbotError(f"{identity.team} isn't in the database yet. Start the bot once with `tierbot run`.")
        steps = smoke_test(bot, app_of(bot, identity), identity, channel)
        with bot.store.begin(identity.team_id) as tx:
            record_smoke_test(tx, steps, bot.clock.now())
    finally:
        bot.close()
    return steps


def _files_in(settings: Settings) -> tuple[TagSpace | None, str | None]:
    """Return the tag space, and what is wrong with a file that the settings name, if anything."""
    tags = None
    try:
        tags = tag_space(settings.tags)
        load_boundaries(settings.boundaries, tags)
        load_feeds(settings.feeds)
    except TierbotError as fault:
        return tags, str(fault)
    return tags, None


def _or_refusal(what: str, describe: Callable[[], str]) -> str | Refusal:
    try:
        return describe()
    except TierbotError as fault:
        return Refusal(what, str(fault))


def _champion(bot: Tierbot, workspace: str) -> str:
    version, _ = bot.registry.champion(workspace)
    return f"{version.id}, sha256 {version.sha256[:12]}…, matches its card"


def _shipped(settings: Settings) -> str | Refusal:
    def describe() -> str:
        version, _ = ModelFolder(shipped_models(), settings.models).bootstrap()
        return f"built-in, sha256 {version.sha256[:12]}…, matches its card"

    return _or_refusal("model", describe)


def _events(tx: Transaction) -> EventFacts:
    live, compared = tx.ledger.newest(Origin.EVENT), tx.ledger.newest(Origin.RECONCILED)
    return EventFacts(live.received_at if live else None, compared.received_at if compared else None)


def _mode(env_file: Path) -> int | None:
    if os.name != "posix":
        return None
    with suppress(OSError):
        return stat.S_IMODE(env_file.stat().st_mode)
    return None
