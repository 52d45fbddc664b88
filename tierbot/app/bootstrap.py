"""The only wiring: builds a whole bot from the settings. Tests replace ports here and run the real loop."""

import secrets
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.request import getproxies_environment

import numpy as np
from slack_bolt import App

from tierbot.adapters.encoders import encoder_of
from tierbot.adapters.files.configuration import load_boundaries, load_feeds, tag_space
from tierbot.adapters.files.model_files import ModelFolder, shipped_models
from tierbot.adapters.processes.drawing import draw_in_child
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.app import build_app, identify
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.canary import COMMANDS, Canary, colleague
from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.adapters.slack.dependencies import Dependencies
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation.oauth import Installing, installing_of
from tierbot.adapters.slack.manifest import bot_scopes
from tierbot.adapters.store import open_store
from tierbot.app.bot import SystemClock, Tierbot
from tierbot.app.slack_access import (
    admins_of,
    chat_of_one,
    chats_of_all,
    check_channel,
    check_settings,
    identify_patiently,
    installations_of,
    tags_in,
)
from tierbot.domain.doctor.smoke_test import Step, run_smoke_test, vote_stands
from tierbot.domain.nouns import TierbotError
from tierbot.domain.tags import TagSpace, names_of
from tierbot.settings import Settings, secret_of
from tierbot.use_cases.articles.intake import Intake
from tierbot.use_cases.articles.tag_requests import TagRequests
from tierbot.use_cases.asking.invitations import Invitations
from tierbot.use_cases.delivery.channels import ChannelNews
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.delivery.dispatch import Draw
from tierbot.use_cases.game.home import HomePage
from tierbot.use_cases.game.legend import Legend
from tierbot.use_cases.game.nudges import Nudges
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.game.setup import Setup
from tierbot.use_cases.jobs.duplicate_requests import first_time
from tierbot.use_cases.jobs.kinds import job_kinds, retrain_if_enough
from tierbot.use_cases.jobs.scheduler import Scheduler
from tierbot.use_cases.jobs.smoke_test import plan_smoke_test
from tierbot.use_cases.jobs.worker import Worker
from tierbot.use_cases.loop import loop_of
from tierbot.use_cases.models.explanations import Explanations
from tierbot.use_cases.models.external_predictors import ExternalPredictors
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.models.time_limit import TimeLimit
from tierbot.use_cases.ports import (
    Chat,
    Clock,
    Encoder,
    Feeds,
    Meter,
    ModelFiles,
    NoMeter,
    Predictors,
    Store,
)
from tierbot.use_cases.voting.emoji_aliases import read_aliases_soon
from tierbot.use_cases.voting.menu_votes import MenuVotes
from tierbot.use_cases.voting.reconciling import reconcile_soon


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    encoder: Encoder | None = None,
    model_files: ModelFiles | None = None,
    feeds: Feeds | None = None,
    predictors: Predictors | None = None,
    chats: Callable[[str], Chat] | None = None,
    tags: TagSpace | None = None,
    after_settling: Callable[[str], None] | None = None,
    draw: Draw = draw_in_child,
    meter: Meter | None = None,
) -> Tierbot:
    """Wire a bot; parts that aren't passed are built from the settings. Opens the database but no connection.

    Raises TierbotError if the database cannot be used.
    """
    clock, meter = clock or SystemClock(), meter or NoMeter()
    store = store or open_store(settings.database_url)
    encoder = encoder or encoder_of(settings.encoder)
    seed = settings.seed if settings.seed is not None else secrets.randbits(32)
    trainer = ChildTrainer(timeout=60 * settings.retrain_timeout_minutes)
    registry = _registry_of(settings, store, encoder, model_files, predictors, clock, seed, trainer)
    installations = cache(partial(installations_of, settings, store, clock))
    if settings.many_workspaces:  # ids of channels and users belong to one workspace
        settings = settings.model_copy(update={"channel": "", "admins": ()})
        chats = chats or chats_of_all(installations, settings, store, clock, meter)
    chats = chats or chat_of_one(settings, store, clock, meter)
    intake = Intake(
        store=store,
        feed_reader=feeds or feed_reader(settings),
        encoder=encoder,
        clock=clock,
        file=settings.feeds,
        read_file=load_feeds,
    )
    rng = np.random.default_rng(seed)
    boundaries = partial(load_boundaries, settings.boundaries)
    loop = loop_of(
        store=store,
        chats=chats,
        intake=intake,
        encoder=encoder,
        registry=registry,
        clock=clock,
        settings=settings,
        boundaries=boundaries,
        rng=rng,
        draw=draw,
        shut_out=lambda *lost: installations().lost(*lost) if settings.many_workspaces else None,
    )
    tags = tags or tag_space(settings.tags)
    nudges = Nudges(store, clock, settings, chats)
    setup = Setup(store, clock, settings, registry, loop.rounds, nudges)

    def settled(workspace: str) -> None:
        if after_settling is not None:
            after_settling(workspace)
        retrain_if_enough(store, clock, settings, workspace)

    kinds = job_kinds(
        loop,
        store,
        clock,
        settings,
        chats,
        DirectMessages(chats, admins_of(settings, installations), clock),
        encoder,
        rng,
        nudge=nudges,
        prepare=lambda workspace: setup.prepare(workspace, tags),
        run_smoke_test=lambda workspace: _smoke_test_in(bot, workspace),
    )
    worker = Worker(store, clock, loop.deliver, loop.settle, settled, meter, loop.look_up)
    game = Game(
        store, clock, settings, record=loop.record, roll_back=loop.roll_back, wake=worker.wake, boundaries=boundaries
    )
    bot = Tierbot(
        settings=settings,
        tags=tags,
        clock=clock,
        store=store,
        encoder=encoder,
        registry=registry,
        intake=intake,
        loop=loop,
        game=game,
        explanations=Explanations(store, registry, encoder),
        menu_votes=MenuVotes(store, clock, worker.wake),
        invitations=Invitations(store, clock, loop.ask, chats, np.random.default_rng([seed, 1])),
        home=HomePage(store, game),
        nudges=nudges,
        setup=setup,
        worker=worker,
        kinds=kinds,
        scheduler=Scheduler(store, clock, kinds, meter),
        chats=chats,
        trainer=trainer,
        installations=installations,
        meter=meter,
    )
    return bot


def _registry_of(
    settings: Settings,
    store: Store,
    encoder: Encoder,
    model_files: ModelFiles | None,
    predictors: Predictors | None,
    clock: Clock,
    seed: int,
    train: ChildTrainer,
) -> Registry:
    """Return the registry of models; what is None is built from the settings."""
    return Registry(
        store=store,
        encoder=encoder,
        model_files=model_files
        or ModelFolder(shipped_models(), settings.models, by_workspace=settings.many_workspaces),
        clock=clock,
        seed=seed,
        train=train,
        external_predictors=ExternalPredictors(
            predictors or installed_predictors(settings),
            clock,
            TimeLimit(settings.predictor_timeout_seconds),
        ),
    )


def connect(bot: Tierbot, pause: Callable[[float], Any] = time.sleep) -> SocketRunner:
    """Ask Slack who the bot is, set up its workspace, and return the Socket Mode connection, not yet open.

    Raises TierbotError if a token or the channel is missing or wrong. See `identify_patiently` for `pause`.
    """
    settings = bot.settings
    if settings.many_workspaces:
        raise TierbotError(
            "SLACK_CLIENT_ID is set, which means many workspaces: run `tierbot web` and `tierbot worker`, or unset it."
        )
    identity = prepare_only_workspace(bot, pause, socket_mode=True)
    plan_smoke_test(bot.store, bot.clock, settings, identity.team_id)
    return SocketRunner(
        app_of(bot, identity),
        secret_of(settings.slack_app_token),
        web_client(None, settings.slack_api_url, bot.meter),
        on_connected=lambda: reconcile_soon(bot.store, bot.clock, identity.team_id),
        meter=bot.meter,
    )


def prepare_only_workspace(bot: Tierbot, pause: Callable[[float], Any], *, socket_mode: bool = False) -> Identity:
    """Ask Slack who the bot is, and set up its workspace.

    Raises TierbotError if a token or the channel is missing or wrong.
    """
    settings = bot.settings
    check_settings(settings, socket_mode=socket_mode)
    identity = identify_patiently(settings, pause)
    bot.prepare(identity)
    check_channel(settings, bot.store, identity.team_id)
    return identity


def app_of(bot: Tierbot, identity: Identity | None) -> App:
    """Return the Bolt app with all listeners of this bot, not connected.

    `identity` is the bot of the only workspace; None serves every workspace where the app is installed.
    """
    settings = bot.settings
    installing = None if identity else _installing(bot)
    deps = Dependencies(
        game=bot.game,
        clock=bot.clock,
        admins=Admins(settings.admins, bot.clock, installing.installations.installers if installing else lambda _: ()),
        channel=bot.game.channel,
        tags=partial(tags_in, bot.store),
        explanations=bot.explanations,
        menu_votes=bot.menu_votes,
        invitations=bot.invitations,
        home=bot.home,
        tag_requests=TagRequests(bot.store, bot.clock),
        is_new=partial(first_time, bot.store, bot.clock),
        on_events_missed=partial(reconcile_soon, bot.store, bot.clock),
        on_emoji_changed=partial(read_aliases_soon, bot.store, bot.clock),
        legend=Legend(bot.store),
        channel_news=ChannelNews(bot.store, bot.clock, settings.channel),
    )
    return build_app(
        deps,
        identity,
        base_url=settings.slack_api_url,
        installing=installing,
        ignored_users=frozenset({identity.bot_user_id} if identity else ()),
        meter=bot.meter,
    )


def _installing(bot: Tierbot) -> Installing:
    settings = bot.settings
    return installing_of(
        bot.installations(),
        bot.store,
        bot.clock,
        client_id=settings.slack_client_id,
        client_secret=secret_of(settings.slack_client_secret),
        scopes=bot_scopes(),
        base_url=settings.slack_api_url,
        public_url=settings.public_url,
    )


def _smoke_test_in(bot: Tierbot, workspace: str) -> list[Step]:
    """Run the smoke test in the workspace that the bot token belongs to."""
    identity = identify(web_client(secret_of(bot.settings.slack_bot_token), bot.settings.slack_api_url))
    if identity.team_id != workspace:
        raise TierbotError(
            f"SLACK_BOT_TOKEN belongs to {identity.team_id}, so the smoke test can't run in {workspace}."
        )
    return smoke_test(bot, app_of(bot, identity), identity, bot.settings.smoke_test_channel)


def smoke_test(bot: Tierbot, app: App, identity: Identity, channel: str) -> list[Step]:
    """Run the smoke test in a channel; see tierbot.domain.doctor.smoke_test.

    Raises TierbotError if SLACK_USER_TOKEN is the wrong kind of token.
    """
    settings, workspace = bot.settings, identity.team_id
    tags = tags_in(bot.store, workspace)
    tag = next((tag for tag in tags.active if names_of(tag.short_name)), tags.active[0])

    def has_vote(channel: str, ts: str, user: str) -> bool:
        with bot.store.read(workspace) as tx:
            return vote_stands(tx.ledger.current(channel, ts), user, tag.id, tags)

    token = secret_of(settings.slack_user_token)
    canary = Canary(
        web_client(identity.token, settings.slack_api_url),
        app,
        identity,
        channel=channel,
        emoji=tag.short_name,
        has_vote=has_vote,
        clock=bot.clock,
        user_client=colleague(token, settings.slack_api_url) if token else None,
    )
    return run_smoke_test(canary, COMMANDS, time.monotonic)


def installed_predictors(settings: Settings) -> Predictors:
    """Return the predictors that other installed packages provide."""
    from tierbot.adapters.processes.predictors import InstalledPredictors  # noqa: PLC0415 - as feed_reader

    return InstalledPredictors(timeout=60 * settings.retrain_timeout_minutes)


def feed_reader(settings: Settings) -> Feeds:
    """Return the reader of feeds on the web."""
    from tierbot.adapters.feeds.fetch import FeedLimits  # noqa: PLC0415 - an HTTP client, not needed by every command
    from tierbot.adapters.feeds.guard import LOOPBACK  # noqa: PLC0415
    from tierbot.adapters.feeds.reader import FeedReader  # noqa: PLC0415

    size = int(settings.feeds_megabytes * 2**20)
    return FeedReader(
        limits=FeedLimits(size=size, processor=settings.feeds_processor_seconds, memory=128 * 2**20 + 32 * size),
        allow=LOOPBACK if settings.feeds_allow_local else (),
        contact=settings.feeds_contact,
        logins=settings.feeds_netrc,
        proxies=getproxies_environment(),
    )
